package main

import (
	crypto "crypto/rand"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// chance shows all that usually comes out in another way each time: the order of
// maps, selects and goroutines, random numbers, the time, and what is known of files.
// What it reads it reads to the end.
func chance([]string) {
	began := time.Now()
	numbers := make(map[int]string)
	for i := range 20 {
		numbers[i] = fmt.Sprint(rand.IntN(1000))
	}
	fmt.Println("map", slices.Collect(maps.Keys(numbers)), numbers)
	fmt.Println("random", crypto.Text(), rand.Float64())
	fmt.Println("goroutines", race(30))
	input, err := io.ReadAll(os.Stdin)
	must(err)
	fmt.Println("input", len(input), string(input[:min(len(input), 40)]))
	lookAround()
	fmt.Println("time", began.UTC().Format(time.RFC3339Nano), time.Since(began))
}

// race is the order in which goroutines that wait, sleep and yield get through.
func race(n int) (order []int) {
	through := make(chan int)
	other := make(chan int)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
			runtime.Gosched()
			select {
			case through <- i:
			case other <- -i:
			}
		})
	}
	go func() { all.Wait(); close(through) }()
	for {
		select {
		case i, open := <-through:
			if !open {
				return order
			}
			order = append(order, i)
		case i := <-other:
			order = append(order, i)
		}
	}
}

// lookAround makes a file under a name of chance, and tells what it sees.
func lookAround() {
	f, err := os.CreateTemp(".", "chance-*")
	must(err)
	fmt.Fprintln(f, time.Now().UTC())
	must(f.Close())
	must(filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		must(err)
		info, err := d.Info()
		must(err)
		fmt.Printf("file %s %+v\n", path, info.Sys())
		return nil
	}))
}
