#pragma once

// The results of a cache's operations:
//
//   expected<T>   a value or an error (error.hpp)
//   maybe<T>      a value, nothing, or an error: reads, loads, updates
//   yes_or_no     yes, no, or an error: writes with a condition, erase, contains
//
// Each converts to true in one case only: there is a value, or the answer is yes.
//
//   if (auto p = profiles->get("42"))        // a hit
//     greet(p->name);
//   else if (p.failed())                     // neither hit nor miss
//     log(to_string(p.error()));
//
//   if (!profiles->erase("42"))              // no entry, or an error
//     ...
//   if (profiles->set("42", x).failed())     // an error alone
//     ...

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/maybe.hpp>
#include <troupe/messages/types/yes_or_no.hpp>
