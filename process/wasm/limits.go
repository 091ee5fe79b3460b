package wasm

import (
	"errors"

	"dappco.re/go/cloche/process"
	"dappco.re/go/cloche/process/wasm/internal/kernel"
)

// accountFor counts what the guest and its children to come use up. Processes is
// not counted: a guest is one and starts no others.
func accountFor(l process.Limits) *kernel.Account {
	return kernel.NewAccount(kernel.Limits{
		Descriptors: l.Descriptors,
		Written:     l.Written,
		Created:     l.Created,
		FileSize:    l.FileSize,
		Depth:       l.Depth,
		PathLength:  l.PathLength,
	})
}

// limitWords are the kernel's limits in the words of a Spec.
var limitWords = map[kernel.Limit]struct{ name, field string }{
	kernel.LimitDescriptors: {process.LimitDescriptors, "Descriptors"},
	kernel.LimitWritten:     {process.LimitWritten, "Written"},
	kernel.LimitCreated:     {process.LimitCreated, "Created"},
	kernel.LimitFileSize:    {process.LimitFileSize, "FileSize"},
	kernel.LimitDepth:       {process.LimitDepth, "Depth"},
	kernel.LimitPathLength:  {process.LimitPathLength, "PathLength"},
}

// limitOf is the kernel's LimitError in err as a Spec's, and how to mend it, or
// nil.
func limitOf(err error) (limit *process.LimitError, fix string) {
	e, ok := errors.AsType[*kernel.LimitError](err)
	if !ok {
		return nil, ""
	}
	words := limitWords[e.Limit]
	fix = "raise Limits." + words.field + " in the Spec"
	if e.Limit == kernel.LimitDescriptors && e.Max == kernel.MaxDescriptors {
		fix = "close some: a guest has no more, whatever its Spec says"
	}
	return &process.LimitError{Limit: words.name, Max: e.Max, Errno: e.Errno()}, fix
}

// denied tells of a refusal, in the words of the Spec.
func (i *instance) denied(d *process.DeniedError) {
	if limit, fix := limitOf(d); limit != nil {
		told := *d
		told.Err, told.Fix = limit, fix
		d = &told
	}
	i.spec.Denied(d)
}

// outward tells of a symlink that leads outside.
func (i *instance) outward(l kernel.OutwardLink) {
	i.spec.OutwardLink(process.OutwardLink{Path: l.Path, Target: l.Target})
}
