#pragma once

#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// An operation that may have to wait (for a restart, for an update lease). It contains
/// its own link: waiting allocates nothing.
class parked_operation {
public:
  parked_operation() = default;
  parked_operation(const parked_operation&) = delete;
  parked_operation& operator=(const parked_operation&) = delete;

  /// Makes the operation wait while another one holds the update lease of `key`, which
  /// must outlive the operation.
  void respect(hashed_key key) noexcept {
    key_ = key;
    respects_ = true;
  }

  /// The key whose lease the operation waits for, or nullptr.
  [[nodiscard]] const hashed_key* leased_key() const noexcept {
    return respects_ ? &key_ : nullptr;
  }

protected:
  ~parked_operation() = default;

private:
  friend class parked_list;

  parked_operation* next_ = nullptr;
  hashed_key key_;
  bool respects_ = false;
};

/// Operations in order of arrival. Owns nothing; not thread-safe.
class parked_list {
public:
  parked_list() = default;

  parked_list(parked_list&& other) noexcept
    : first_(other.first_), last_(other.last_) {
    other.first_ = other.last_ = nullptr;
  }

  parked_list& operator=(parked_list&& other) noexcept {
    first_ = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
    return *this;
  }

  [[nodiscard]] bool empty() const noexcept {
    return first_ == nullptr;
  }

  void push(parked_operation& op) noexcept {
    op.next_ = nullptr;
    if (last_ == nullptr)
      first_ = &op;
    else
      last_->next_ = &op;
    last_ = &op;
  }

  /// The oldest operation, removed; nullptr when there is none.
  parked_operation* pop() noexcept {
    auto* op = first_;
    if (op != nullptr) {
      first_ = op->next_;
      if (first_ == nullptr)
        last_ = nullptr;
    }
    return op;
  }

  /// Removes `op`; returns whether it was in the list. Linear.
  bool remove(const parked_operation& op) noexcept {
    parked_operation* previous = nullptr;
    for (auto* i = first_; i != nullptr; previous = i, i = i->next_) {
      if (i != &op)
        continue;
      (previous == nullptr ? first_ : previous->next_) = i->next_;
      if (last_ == i)
        last_ = previous;
      return true;
    }
    return false;
  }

  /// Appends all of `other`.
  void append(parked_list other) noexcept {
    while (auto* op = other.pop())
      push(*op);
  }

private:
  parked_operation* first_ = nullptr;
  parked_operation* last_ = nullptr;
};

} // namespace troupe::memory
