// Go's net/http over HTTP/2. As loops.ts.
//
//	client PORT
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	length   = 2000 // of each answer
	patience = 10 * time.Second
	loops    = 8
)

type told struct {
	Requests         int64       `json:"requests"`
	RepeatedByCaller int         `json:"repeatedByCaller"`
	Failed           [][3]string `json:"failed"`
}

var (
	requests atomic.Int64
	stopped  atomic.Bool
	lock     sync.Mutex
	failed   = [][3]string{}
	upload   = bytes.Repeat([]byte("u"), 1000)
	client   = http.Client{
		Timeout:   patience,
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
)

func request(method, url string) error {
	var body io.Reader
	if method == "POST" {
		body = bytes.NewReader(upload)
	}
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.ProtoMajor != 2 || len(answer) != length) {
		return fmt.Errorf("%s, %d bytes", response.Proto, len(answer))
	}
	return err
}

func loop() {
	for !stopped.Load() {
		number := requests.Add(1) - 1
		path, method := fmt.Sprintf("/request/%d", number), "GET"
		if number%4 == 3 {
			method = "POST"
		}
		if err := request(method, "https://localhost:"+os.Args[1]+path); err != nil {
			lock.Lock()
			failed = append(failed, [3]string{path, method, err.Error()})
			lock.Unlock()
		}
	}
}

func main() {
	var all sync.WaitGroup
	for i := 0; i < loops; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			loop()
		}()
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stopped.Store(true)
	all.Wait()
	_ = json.NewEncoder(os.Stdout).Encode(told{Requests: requests.Load(), Failed: failed})
}
