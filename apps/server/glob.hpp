#pragma once

#include <cstddef>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::server {

/// Whether letters of ASCII match each other in any case, as in the names of
/// commands and settings, or not, as in keys and channels.
enum class letter_case { any, exact };

/// Bytes of a pattern that a client may give: to compare a key with one takes up to as
/// many steps for each of its bytes.
inline constexpr std::size_t longest_pattern = 1024;

/// Whether `text` matches `pattern` as Redis understands it: `*`, `?`, `[abc]`,
/// `[^a]`, `[a-z]`, and `\` before a character that stands for itself. An empty
/// text matches an empty pattern only. Takes at most the product of both sizes.
[[nodiscard]] bool glob_match(bytes_view pattern, bytes_view text,
                              letter_case how = letter_case::any) noexcept;

} // namespace troupe::server
