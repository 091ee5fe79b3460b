package process

import (
	"context"
	"log/slog"
)

// isHeard says whether somebody would be told of an event.
func (h *Handle) isHeard() bool { return h.feed != nil || h.service.subscribers.any() }

// begin tells first, before whatever a quick process has already told.
func (h *Handle) begin(first ...Event) {
	for _, e := range first {
		h.log(e)
	}
	h.service.subscribers.begin(&h.before, first...)
	h.feed.begin(first...)
}

// tell tells those who cannot be slow first.
func (h *Handle) tell(e Event) {
	h.log(e)
	h.service.subscribers.publish(&h.before, e)
	h.feed.emit(e)
}

// log names no argument, no variable, no input and no output.
func (h *Handle) log(e Event) {
	level, msg, attrs := entry(e)
	if msg == "" {
		return
	}
	attrs = append([]slog.Attr{slog.String("id", h.id), slog.String("command", h.spec.Command)}, attrs...)
	h.service.log.LogAttrs(context.Background(), level, msg, attrs...)
}

// entry is what the log says of e. WithLogger tells why most of it is debug level.
func entry(e Event) (level slog.Level, msg string, attrs []slog.Attr) {
	switch e := e.(type) {
	case StartedEvent:
		msg := "process started"
		if e.Info.Adopted {
			msg = "process adopted"
		}
		return slog.LevelDebug, msg, []slog.Attr{
			slog.String("backend", e.Info.Backend), slog.Int("pid", e.Info.PID)}
	case AskedEvent:
		return slog.LevelDebug, "process asked to end", []slog.Attr{
			slog.String("signal", string(e.Signal)), slog.Any("reason", e.Reason)}
	case DeniedEvent:
		return slog.LevelDebug, "process denied", []slog.Attr{
			slog.String("op", e.Denial.Op), slog.String("path", e.Denial.Path), slog.String("rule", e.Denial.Rule)}
	case OutwardLinkEvent:
		return slog.LevelDebug, "process made a symlink that leads outside", []slog.Attr{
			slog.String("path", e.Link.Path), slog.String("target", e.Link.Target)}
	case LimitedEvent:
		return slog.LevelDebug, "process over its limit", []slog.Attr{
			slog.String("limit", e.Limit.Limit), slog.Int64("max", e.Limit.Max)}
	case FailedEvent:
		return slog.LevelWarn, "process did not start", []slog.Attr{slog.Any("reason", e.Err)}
	case ExitedEvent:
		return levelOf(e.Info.Status), "process ended", []slog.Attr{
			slog.String("state", string(e.Info.Status)), slog.Int("code", e.Exit.Code), slog.Any("reason", e.Exit.Reason),
			slog.Duration("duration", e.Info.Duration), slog.Duration("cpu", e.Exit.Usage.CPU),
			slog.Int64("memory", e.Exit.Usage.Memory), slog.Int64("output", e.Exit.Usage.Output)}
	}
	return 0, "", nil
}

func levelOf(s State) slog.Level {
	switch s {
	case Killed:
		return slog.LevelInfo
	case Failed:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
