#pragma once

#include <string_view>

#include <caf/settings.hpp>

namespace troupe::detail {

/// The text that replaces a secret.
inline constexpr char mask[] = "***";

/// Whether the value of an option must be hidden: its name ends with "password",
/// "passphrase" or "-pass".
[[nodiscard]] bool is_secret(std::string_view option);

/// Replaces all secrets, at any depth.
void hide_secrets(caf::settings& all);

} // namespace troupe::detail
