import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import javax.net.ssl.SSLSocket;

/**
 * A TLS peer on a layered SSLSocket, whose connection goes on after TLS: UnwrapPeer ROLE VERSION PORT PLAN KEY CERT. See support/unwrapping.ts. Of the
 * plans there it has the first two, where it closes by shutdownOutput(), and one of its own, first-close: by close().
 */
final class UnwrapPeer {
    public static void main(String[] args) throws Exception {
        boolean isServer = args[0].equals("server");
        int port = Integer.parseInt(args[2]);
        Socket raw;
        if (isServer) {
            ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            System.out.println("listening " + listener.getLocalPort());
            raw = listener.accept();
        } else {
            raw = new Socket(InetAddress.getLoopbackAddress(), port);
        }
        SSLSocket socket = (SSLSocket) Peer.context(Path.of(args[4]), Path.of(args[5])).getSocketFactory().createSocket(raw, "127.0.0.1", port, false);
        socket.setUseClientMode(!isServer);
        socket.setEnabledProtocols(new String[] {args[1]});
        OutputStream out = socket.getOutputStream();
        out.write(socket.getInputStream().readNBytes(5));
        if (args[3].startsWith("second")) {
            System.out.println("saw " + readToEnd(socket.getInputStream()) + ", close_notify");
        } else {
            System.out.println("ready");
            System.in.read();
        }
        if (args[3].equals("first-plain")) {
            socket.shutdownOutput();
            readToEnd(socket.getInputStream());
        }
        socket.close(); // and raw stays open, as createSocket() was told
        raw.getOutputStream().write("plain from the peer\n".getBytes());
        System.out.println("plain " + readToEnd(raw.getInputStream()) + ", FIN");
        raw.close();
    }

    private static String readToEnd(InputStream in) throws IOException {
        return new String(in.readAllBytes());
    }
}
