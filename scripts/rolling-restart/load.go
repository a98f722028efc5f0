// A client of Go's net/http with keep-alive connections. As load.ts.
//
// Go sends a request again by itself where a kept connection was dead. That counts as failed.
//
//	load HTTP1-PORT HTTP2-PORT
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	loops    = 8
	patience = 10 * time.Second // until a request has failed
	backOff  = 20 * time.Millisecond
)

type tally struct {
	Requests      int            `json:"requests"`
	Failed        int            `json:"failed"`
	Resets        int            `json:"resets"`
	UnexpectedEof int            `json:"unexpectedEof"` // Go can't tell
	Refused       int            `json:"refused"`
	Connections   int            `json:"connections"`
	Reasons       map[string]int `json:"reasons"`
}

var (
	lock    sync.Mutex
	seen    = tally{Reasons: map[string]int{}}
	stopped atomic.Bool
	ports   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	// In one TLS record with the headers. A request that comes in several ones right behind a large answer makes Node destroy the connection
	// (HPE_PAUSED, Node 20 to 26), in a drain or not.
	upload = bytes.Repeat([]byte("u"), 2_000)
)

func update(change func(*tally)) {
	lock.Lock()
	defer lock.Unlock()
	change(&seen)
}

// conn counts resets.
type conn struct{ net.Conn }

func (c conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, syscall.ECONNRESET) {
		update(func(t *tally) { t.Resets++ })
	}
	return n, err
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	update(func(t *tally) { t.Connections++ })
	return conn{c}, nil
}

var client = http.Client{
	Timeout: patience,
	Transport: &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, DynamicRecordSizingDisabled: true},
		MaxIdleConnsPerHost: loops,
	},
}

func request(port, path string, withUpload bool) error {
	method, body := "GET", io.Reader(nil)
	if withUpload {
		method, body = "POST", bytes.NewReader(upload)
	}
	sent := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent++ }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), method, "https://127.0.0.1:"+port+path, body)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	length := 100
	if path == "/large" {
		length = 100_000
	}
	if response.StatusCode != 200 || len(answer) != length {
		return fmt.Errorf("status %d, %d bytes", response.StatusCode, len(answer))
	}
	if sent > 1 {
		return errors.New("sent again by Go itself")
	}
	return nil
}

func loop(port string, pause time.Duration) {
	for i := 0; !stopped.Load(); i++ {
		path := "/small"
		if i%5 == 4 {
			path = "/large"
		}
		if err := request(port, path, i%7 == 0); err != nil {
			update(func(t *tally) {
				t.Failed++
				t.Reasons[ports.ReplaceAllString(err.Error(), "HOST")]++
			})
			time.Sleep(backOff)
		}
		update(func(t *tally) { t.Requests++ })
		if pause > 0 {
			time.Sleep(time.Duration(rand.Int63n(int64(pause))))
		}
	}
}

func report() {
	update(func(t *tally) { _ = json.NewEncoder(os.Stdout).Encode(t) })
}

func main() {
	var loads sync.WaitGroup
	for i := 0; i < loops; i++ {
		pause := time.Duration(0)
		if i >= loops/2 {
			pause = 50 * time.Millisecond
		}
		loads.Add(1)
		go func(port string) {
			defer loads.Done()
			loop(port, pause)
		}(os.Args[1+i%2])
	}
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			report()
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	stopped.Store(true)
	loads.Wait()
	report()
}
