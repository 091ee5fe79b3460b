// Package hermetic writes down what a hermetic run was given and what came of it, so
// that the run can be checked later, or answered without running.
//
// A Run is all that decides what happens; its Action names it as the Remote Execution
// API would. A Receipt is a Run with its Result. A Cache has the Answers to Runs, each
// under the Run's Key, which is stricter than its Action: it has in it whatever a guest
// may notice.
//
// Not noticed is a file that others change during a run, and change back before its end.
package hermetic
