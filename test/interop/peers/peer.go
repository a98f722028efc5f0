// A TLS peer on crypto/tls: peer ROLE VERSION PORT PLAN COUNT KEY CERT. See support/scripted.ts for the plans.
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Go's Read says io.EOF at a bare FIN too, if no record is cut. But at a close_notify it has not read as far as the FIN.
type finWatch struct {
	net.Conn
	came bool
}

func (conn *finWatch) Read(into []byte) (int, error) {
	n, err := conn.Conn.Read(into)
	conn.came = conn.came || err == io.EOF
	return n, err
}

// What ended the stream, in the words that all peers use.
func readToEnd(conn *tls.Conn, fin *finWatch) string {
	_, err := io.Copy(io.Discard, conn)
	switch {
	case err == nil && !fin.came:
		return "close_notify"
	case err == nil || errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	default:
		return "error " + err.Error()
	}
}

func run(wrap func(net.Conn, *tls.Config) *tls.Conn, raw net.Conn, config *tls.Config, plan string) {
	fin := &finWatch{Conn: raw}
	conn := wrap(fin, config)
	if err := conn.Handshake(); err != nil {
		panic(err)
	}
	fmt.Println("connected")
	if strings.HasPrefix(plan, "second") {
		fmt.Println("saw", readToEnd(conn, fin))
	} else {
		if !strings.Contains(plan, "at-once") {
			must(conn.Read(make([]byte, 1)))
		}
		if strings.Contains(plan, "data") {
			must(conn.Write([]byte("data")))
		}
		if strings.HasSuffix(plan, "half") {
			if err := conn.CloseWrite(); err != nil {
				panic(err)
			}
			fmt.Println("saw", readToEnd(conn, fin))
		} else if strings.HasSuffix(plan, "fin") {
			// Past the TLS layer.
			if err := raw.(*net.TCPConn).CloseWrite(); err != nil {
				panic(err)
			}
			fmt.Println("saw", readToEnd(conn, fin))
		}
	}
	conn.Close()
	fmt.Println("closed")
}

func main() {
	role, version, port, plan, count := os.Args[1], os.Args[2], os.Args[3], os.Args[4], must(strconv.Atoi(os.Args[5]))
	number := map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}[version]
	config := &tls.Config{MinVersion: number, MaxVersion: number, InsecureSkipVerify: true}
	var listener net.Listener
	if role == "server" {
		config.Certificates = []tls.Certificate{must(tls.LoadX509KeyPair(os.Args[7], os.Args[6]))}
		listener = must(net.Listen("tcp", "127.0.0.1:0"))
		fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	}
	for i := 0; i < count; i++ {
		if role == "server" {
			run(tls.Server, must(listener.Accept()), config, plan)
		} else {
			run(tls.Client, must(net.Dial("tcp", "127.0.0.1:"+port)), config, plan)
		}
	}
}
