#pragma once

#include <string>

#include <troupe/backends/leases.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::server {

/// A new token of the lease `id`: printable, unique in the runtime, with 128 random
/// bits of the system, so that a client cannot guess the token of another. Throws
/// std::bad_alloc.
[[nodiscard]] std::string make_token(load_id id);

/// Whether a client gave this token. An empty `token` is no token. The time depends only
/// on the sizes.
[[nodiscard]] bool same_token(bytes_view token, bytes_view given) noexcept;

} // namespace troupe::server
