#pragma once

// How interfaces (interfaces.hpp) are written for CAF 0.17, and how they are read at
// compile time.

#include <caf/actor_control_block.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace troupe {

/// The handle of actors that accept the messages of these clauses. An interface extends
/// another with `other::extend<...>`.
template <class... Clauses>
using interface = caf::typed_actor<Clauses...>;

/// A clause: a request and the types of its reply; void: an empty reply.
template <class Request, class... Replies>
using answers = typename caf::replies_to<Request>::template with<Replies...>;

namespace detail {

template <class Clause>
struct clause_reader;

template <class Request, class... Replies>
struct clause_reader<caf::typed_mpi<caf::detail::type_list<Request>,
                                    caf::output_tuple<Replies...>>> {
  template <class F>
  static void read(F& f) {
    f.template operator()<Request, Replies...>();
  }
};

template <class F, class... Clauses>
void read_clauses(F& f, caf::detail::type_list<Clauses...>) {
  (clause_reader<Clauses>::read(f), ...);
}

} // namespace detail

/// Calls `f.template operator()<Request, Replies...>()` for each clause of an
/// interface, in order.
template <class Handle, class F>
void for_each_clause(F f) {
  detail::read_clauses(f, typename Handle::signatures{});
}

} // namespace troupe
