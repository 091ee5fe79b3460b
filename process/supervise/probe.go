package supervise

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"dappco.re/go/cloche/process"
)

// Probe asks once whether all is well. One that goes on when ctx has ended is left
// behind, and counts as failed.
type Probe func(ctx context.Context) error

// Command runs a command to its end, and wants exit code 0 of it.
func Command(s *process.Service, spec process.Spec) Probe {
	return func(ctx context.Context) error {
		_, err := s.Run(ctx, spec)
		return err
	}
}

// TCP wants a connection to the address, as in "localhost:5432", and closes it.
func TCP(address string) Probe {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// HTTP wants an answer to GET of the URL with a status from 200 to 399, which is
// where redirects count too, without being followed. No proxy is used, whatever
// the environment says.
func HTTP(url string) Probe {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode < 200 || answer.StatusCode >= 400 {
			return fmt.Errorf("GET %s: %s", url, answer.Status)
		}
		return nil
	}
}

// ask gives p the time each, and no longer than until done.
func (p Probe) ask(ctx context.Context, each time.Duration, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- p(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-done:
		return process.ErrGone
	}
}
