#pragma once

#include <caf/fwd.hpp>

#include <troupe/actors/loads/load_function.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// A loader that asks an actor for the value, for `cache::get_or_set` and its kin. No
/// thread waits for the answer. The actor, in this process or another, gets a
/// `load_value_request`. When it refuses, dies or is gone, the load fails with its error.
/// `system` is the caller's and must outlive the region.
[[nodiscard]] deferred_loader load_by_actor(caf::actor_system& system,
                                            loader_actor whom);

} // namespace troupe
