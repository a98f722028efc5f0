import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A TLS peer on SSLSocket: Peer ROLE VERSION PORT PLAN COUNT KEY CERT. See support/scripted.ts for the plans. */
final class Peer {
    private static final char[] PASSWORD = "unused".toCharArray();
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    public static void main(String[] args) throws Exception {
        System.setProperty("com.sun.net.ssl.requireCloseNotify", "true"); // Java reads -1 at a bare FIN otherwise
        String role = args[0], version = args[1], plan = args[3];
        int port = Integer.parseInt(args[2]), count = Integer.parseInt(args[4]);
        SSLContext context = context(Path.of(args[5]), Path.of(args[6]));
        String[] versions = {version};
        if (role.equals("client")) {
            for (int i = 0; i < count; i++) {
                Socket raw = plan.endsWith("fin") ? new Socket(LOOPBACK, port) : null;
                SSLSocketFactory factory = context.getSocketFactory();
                Socket made = raw == null ? factory.createSocket(LOOPBACK, port) : factory.createSocket(raw, "127.0.0.1", port, true);
                SSLSocket socket = (SSLSocket) made;
                socket.setEnabledProtocols(versions);
                run(socket, raw, plan, i);
            }
            return;
        }
        boolean layered = plan.endsWith("fin");
        ServerSocket listener = layered ? new ServerSocket(0, 50, LOOPBACK) : context.getServerSocketFactory().createServerSocket(0, 50, LOOPBACK);
        say("listening " + listener.getLocalPort());
        for (int i = 0; i < count; i++) {
            Socket raw = listener.accept();
            SSLSocket socket = (SSLSocket) (layered ? context.getSocketFactory().createSocket(raw, (InputStream) null, true) : raw);
            socket.setEnabledProtocols(versions);
            run(socket, raw, plan, i);
        }
    }

    private static void run(SSLSocket socket, Socket raw, String plan, int i) throws IOException {
        socket.setTcpNoDelay(i % 2 == 1); // the alerts come in one packet or in two, and the FIN with them or not
        socket.startHandshake();
        say("connected");
        if (plan.startsWith("second")) {
            say("saw " + readToEnd(socket));
        } else {
            if (!plan.contains("at-once")) socket.getInputStream().read();
            if (plan.contains("data")) socket.getOutputStream().write("data".getBytes());
            if (plan.endsWith("half")) {
                socket.shutdownOutput();
                say("saw " + readToEnd(socket));
            } else if (plan.endsWith("fin")) {
                raw.shutdownOutput(); // past the TLS layer
                say("saw " + readToEnd(socket));
            }
        }
        socket.close();
        say("closed");
    }

    /** What ended the stream, in the words that all peers use. */
    private static String readToEnd(SSLSocket socket) {
        try {
            while (socket.getInputStream().read() != -1) continue;
            return "close_notify";
        } catch (SSLException | EOFException error) {
            return String.valueOf(error.getMessage()).startsWith("Remote host terminated") ? "truncated" : "error " + error;
        } catch (IOException error) {
            return "error " + error;
        }
    }

    static SSLContext context(Path key, Path cert) throws Exception {
        Certificate certificate = CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(cert)));
        byte[] der = Base64.getMimeDecoder().decode(Files.readString(key).replaceAll("-----[A-Z ]+-----", ""));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        var privateKey = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(der));
        store.setKeyEntry("peer", privateKey, PASSWORD, new Certificate[] {certificate});
        KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), new TrustManager[] {new TrustAll()}, null);
        return context;
    }

    private static void say(String words) {
        System.out.println(words);
        System.out.flush();
    }

    /** The certificate is self-signed, and whom we talk to is not what is tested. */
    private static final class TrustAll implements X509TrustManager {
        @Override public void checkClientTrusted(X509Certificate[] chain, String type) {}
        @Override public void checkServerTrusted(X509Certificate[] chain, String type) {}
        @Override public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    }
}
