// SPDX-License-Identifier: Apache-2.0

// An echo server in Go with clients of its own: every processor is kept busy and goroutines block in system calls, and
// still somebody always waits on the poller, so there is no stall to report.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
)

func serve(connection net.Conn) {
	buffer := make([]byte, 64)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		connection.Write(buffer[:n])
	}
}

func chat(address string) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 64)
	for {
		connection.Write([]byte("ping"))
		connection.Read(buffer)
		time.Sleep(2 * time.Millisecond)
	}
}

func compute(until time.Time) {
	for sum := 0; time.Now().Before(until); sum++ {
	}
}

func blockInKernel() {
	for {
		pause := syscall.NsecToTimespec(100 * 1000 * 1000)
		syscall.Nanosleep(&pause, nil)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for i := 0; i < 8; i++ {
		go chat(listener.Addr().String())
	}
	go blockInKernel()
	go func() {
		for {
			for i := 0; i < runtime.NumCPU(); i++ {
				go compute(time.Now().Add(100 * time.Millisecond))
			}
			time.Sleep(400 * time.Millisecond)
		}
	}()
	fmt.Println("ready", os.Getpid())
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection)
	}
}
