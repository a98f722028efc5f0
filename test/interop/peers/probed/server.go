// An HTTPS server at the port of 127.0.0.1 that is given: server PORT CERT KEY.
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println("listening")
	server := &http.Server{
		IdleTimeout: time.Second,
		TLSConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		Handler:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "page") }),
	}
	panic(server.ServeTLS(listener, os.Args[2], os.Args[3]))
}
