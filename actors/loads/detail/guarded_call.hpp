#pragma once

#include <exception>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Calls `f`, which calls a loader: the user's code, whose exceptions end here and become
/// `value`. Returns whether it threw.
template <class T, class F>
bool guarded(expected<T>& value, F f) {
  try {
    f();
    return false;
  } catch (const std::exception& failure) {
    value = fail(errc::load_failed, failure.what());
  } catch (...) {
    // Not swallowed: it becomes the result; the exception has no text.
    value = fail(errc::load_failed,
                 "the loader threw something that is no std::exception");
  }
  return true;
}

} // namespace troupe
