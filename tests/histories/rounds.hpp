#pragma once

#include <cstdint>

#include "histories/options.hpp"

namespace histories {

/// Makes histories as the options say and judges them; prints progress and
/// results. The exit code of the program.
int run(const options& how);

} // namespace histories
