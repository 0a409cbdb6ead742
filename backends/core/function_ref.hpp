#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {

template <class Signature>
class function_ref;

/// A borrowed function for the time of a call: like std::function, but it copies and
/// allocates nothing. The function must outlive it.
template <class Result, class... Args>
class function_ref<Result(Args...)> {
public:
  template <class F>
    requires(!std::is_same_v<
               std::remove_cvref_t<F>,
               function_ref> && std::is_invocable_r_v<Result, F&, Args...>)
  function_ref(F&& f)
  noexcept
    : target_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
      call_([](void* target, Args... args) -> Result {
        return (*static_cast<std::remove_reference_t<F>*>(target))(
          std::forward<Args>(args)...);
      }) {
    // nop
  }

  Result operator()(Args... args) const {
    return call_(target_, std::forward<Args>(args)...);
  }

private:
  void* target_;
  Result (*call_)(void*, Args...);
};

} // namespace troupe
