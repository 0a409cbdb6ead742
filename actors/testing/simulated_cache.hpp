#pragma once

#include <string>
#include <utility>

#include <troupe/actors/cache/access.hpp>
#include <troupe/actors/cache/handle.hpp>
#include <troupe/actors/cache/loading.hpp>
#include <troupe/actors/cache/updating.hpp>
#include <troupe/actors/testing/simulation.hpp>

namespace troupe::testing {

/// Opens a region of a simulation as a typed cache. All operations of `cache<V>` work,
/// except `actor`, which must not be called: there is none. Errors: those of
/// `simulation::open`.
template <class V>
expected<cache<V>> open_cache(simulation& in, std::string name,
                              const region_options& options = {}) {
  auto where = in.open(std::move(name), options, value_type_of<V>().counts);
  if (!where)
    return tl::unexpected{std::move(where.error())};
  return cache<V>{std::move(*where), nullptr};
}

} // namespace troupe::testing
