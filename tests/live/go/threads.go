// SPDX-License-Identifier: MIT

// What a Go program does without being asked: threads of the system's for its
// goroutines, files, a garbage collector; and, when it is asked, a process.
// threads DIR; each line says what came of one thing, and a process that ran left
// DIR/touched.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

const goroutines = 8

// Each holds a thread of its own until all of them have one.
func threads() int {
	var ready, done sync.WaitGroup
	var lock sync.Mutex
	ids := map[int]bool{}
	ready.Add(goroutines)
	done.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			lock.Lock()
			ids[syscall.Gettid()] = true
			lock.Unlock()
			ready.Done()
			ready.Wait()
		}()
	}
	done.Wait()
	return len(ids)
}

func files(dir string) error {
	var wait sync.WaitGroup
	errs := make([]error, goroutines)
	for i := range errs {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			path := filepath.Join(dir, fmt.Sprintf("go-%d", i))
			text := bytes.Repeat([]byte{byte(i)}, 1<<16)
			if errs[i] = os.WriteFile(path, text, 0600); errs[i] != nil {
				return
			}
			back, err := os.ReadFile(path)
			if err == nil && !bytes.Equal(back, text) {
				err = errors.New("not what was written")
			}
			errs[i] = err
			_ = os.Remove(path)
		}(i)
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type node struct {
	next *node
	pad  [256]byte
}

// Much is thrown away by several threads while one list has to stay.
func collects() bool {
	var kept *node
	var wait sync.WaitGroup
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := 0; i < 1000; i++ {
		kept = &node{next: kept}
		kept.pad[0] = byte(i)
	}
	for i := 0; i < goroutines; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var list *node
			for i := 0; i < 50000; i++ {
				if i%100 == 0 {
					list = nil
				}
				list = &node{next: list}
			}
		}()
	}
	wait.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for i := 999; i >= 0; i-- {
		if kept == nil || kept.pad[0] != byte(i) {
			return false
		}
		kept = kept.next
	}
	return kept == nil && after.NumGC > before.NumGC && after.Frees > before.Frees
}

func said(what string, err error) {
	var no syscall.Errno
	switch {
	case err == nil:
		fmt.Println(what, "worked")
	case errors.As(err, &no) && no == syscall.EPERM:
		fmt.Println(what, "EPERM")
	default:
		fmt.Println(what, err)
	}
}

func main() {
	fmt.Println("go threads", threads())
	said("go files", files(os.Args[1]))
	fmt.Println("go collects", collects())
	said("go exec", exec.Command("/usr/bin/touch", filepath.Join(os.Args[1], "touched")).Run())
	// And it goes on after that.
	fmt.Println("go threads again", threads())
}
