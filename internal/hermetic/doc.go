// Package hermetic writes down what a hermetic run was given and what came of it, so
// that the run can be checked later, or answered without running.
//
// A Run is all that decides what happens; its Action names it as the Remote Execution
// API would. A Receipt is a Run with its Result.
package hermetic
