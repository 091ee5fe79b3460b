package process

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// shutdown stops one process and waits until nothing of it is left.
func (h *Handle) shutdown(ctx context.Context) error {
	running := !h.Info().Status.Ended()
	if running {
		h.stop(errShutdown, SIGTERM, h.grace)
	}
	select {
	case <-h.settled:
	case <-ctx.Done():
		h.stop(errShutdown, "", -1)
		select {
		case <-h.settled:
		case <-time.After(2 * lingerTime):
			return fmt.Errorf("process %s (%s) has not ended: %w", h.id, h.spec.Command, context.Cause(ctx))
		}
	}
	if running && h.err != nil && !errors.Is(h.err, errShutdown) {
		return fmt.Errorf("process %s (%s): %w", h.id, h.spec.Command, h.err)
	}
	return nil
}
