#pragma once

#include <troupe/messages/types/bytes.hpp>

namespace troupe::server {

/// Whether `text` matches `pattern` as Redis understands it, in any case of
/// ASCII: `*`, `?`, `[abc]`, `[^a]`, `[a-z]`, and `\` before a character that
/// stands for itself. Takes at most the product of both sizes.
[[nodiscard]] bool glob_match(bytes_view pattern, bytes_view text) noexcept;

} // namespace troupe::server
