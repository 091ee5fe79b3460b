// Package meter rewrites a WebAssembly module so that its code comes back to the
// host every bounded number of instructions, whatever it does. Compiled code
// cannot be preempted: while it runs, neither a deadline nor the host's garbage
// collector gets a turn, unless it gives them one.
//
// # Mechanism
//
// The module gets one more global, the fuel, which none of its own code can name.
// At the entries of functions and at the headers of loops the weight of code is
// taken from it, and when it is below zero an imported function is called, with
// what is left, which returns the fuel to go on with or ends the guest.
//
// What is taken is the weight of the longest way since the last place that took
// any, so that every way is paid for:
//
//   - A loop header pays for the longest way that leads to it, from before the
//     loop and from inside it.
//   - A function's entry pays, ahead, for the longest way that ends in a return.
//   - Ways that would become longer than maxPath pay on the way.
//   - A small function that has no loop, calls nothing unknown and is not part of
//     a recursion does not pay at its entry: its callers pay for it.
//   - Instructions whose work depends on an operand, such as memory.copy, pay by
//     size, and fills and copies of memory are cut into pieces of bounded size.
//     Tables are kept small enough to be filled and copied in one.
//
// Every cycle in the control flow goes through a loop header or the entry of a
// function that pays, so that no guest runs on for more than the fuel it has, and
// maxPath.
//
// The cold way out of a loop lies outside of it: the check branches to a block
// around the loop, which calls the host and enters the loop again. So the loop
// itself holds no call, and the engine's register allocator is not disturbed.
//
// # What a module may name
//
// Everything is appended: types, an import, a global and functions come after all
// that the module has. A module that names an index that it does not have would be invalid,
// but might be valid after the rewriting, and name the fuel. So every index into
// a space that grows is checked against the module as it was. All other rules of
// validation are left to the engine, which sees the rewritten module.
package meter
