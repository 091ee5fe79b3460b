// Package supervise keeps several processes as they should be: started in order,
// ready before others need them, healthy, restarted when they fail, and found
// again by the next program when this one was killed.
//
//	db := supervise.Unit{Name: "db", Spec: ..., Ready: supervise.Readiness{Probe: supervise.TCP("localhost:5432")}}
//	api := supervise.Unit{Name: "api", Spec: ..., Restart: supervise.Restart{When: supervise.OnFailure}}
//	s, err := supervise.New(process.For(c), supervise.Sequential(db, api), supervise.WithRecords(fsys, "run"))
//	err = s.Run(ctx)
//
// # States of a unit
//
//	                  what it is after is up       it is ready
//	Waiting ----------------------> Starting ----------------> Up
//	                                ^   |                       |
//	           the pause is over    |   | it ended, could not   | it ended,
//	                                |   | start, was not ready  | was not healthy
//	                               Backoff <--------------------+
//	                                    |                       |
//	                                    | enough restarts,      | it may end,
//	                                    | or none wanted        | and no restart is wanted
//	                                    v                       v
//	                                  Failed                   Done
//
// When Run's ctx ends, every unit that has not come to an end becomes Stopping,
// once all that come after it have ended, and then Stopped; with LeaveRunning, Left.
// A unit that is not healthy, or not ready in time, is Stopping as well, before its restart.
//
// # How nothing is lost when this program is killed
//
// With records, one program at a time has a directory: it holds a fs.PIDFile there.
// What it starts is written down while the process is held before its first
// instruction ([process.Spec].Starting) and crossed out when its end is known. So, of
// whatever state this program dies in, there are two kinds of records: of a process
// that runs, which the next program adopts, and of one that has ended, or never ran a
// single instruction, which is told from the first kind by its [process.Identity],
// and started anew. No process runs without a record, and no unit twice.
//
// # Order, and locks
//
// Each unit is a goroutine, which waits for the ones before it to be up, and before it
// stops its process for the ones after it to be over. Units that are not before or
// after one another start, and stop, at the same time. A restart of a unit restarts
// no other.
//
// There is one lock per unit, for its Status; nothing is called while it is held.
package supervise
