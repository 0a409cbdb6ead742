#pragma once

#include <string_view>

#include <caf/settings.hpp>

namespace troupe::detail {

/// What is shown instead of a secret.
inline constexpr char mask[] = "***";

/// Whether the value of an option must not be shown: its name ends with "password",
/// "passphrase" or "-pass".
[[nodiscard]] bool is_secret(std::string_view option);

/// Replaces all secrets, however deep they are.
void hide_secrets(caf::settings& all);

} // namespace troupe::detail
