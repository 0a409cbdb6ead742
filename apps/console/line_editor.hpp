#pragma once

// Readline: editing, history, completion. It has global state, so there is one
// editor at a time.

#include <csignal>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::console {

/// Whether both ends of the console are a terminal.
[[nodiscard]] bool on_terminal() noexcept;

/// Columns of the terminal on the standard output; zero when that is not a terminal.
[[nodiscard]] std::size_t terminal_width() noexcept;

/// Keeps Ctrl-C from ending the program. A nested guard changes nothing.
class interrupt_guard {
public:
  interrupt_guard();
  ~interrupt_guard();

  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

  /// Whether Ctrl-C was pressed since the last call, under this or an earlier guard.
  [[nodiscard]] static bool take() noexcept;

private:
  struct sigaction previous_ {};
};

/// Inside of an `interrupt_guard`: Ctrl-C ends the program again.
class interrupt_release {
public:
  interrupt_release();
  ~interrupt_release();

  interrupt_release(const interrupt_release&) = delete;
  interrupt_release& operator=(const interrupt_release&) = delete;

private:
  struct sigaction previous_ {};
};

class line_editor {
public:
  /// All words that could follow `before`, the words of the command so far. The editor
  /// drops words that do not begin with the typed text.
  using completer = std::function<std::vector<std::string>(
    const std::vector<std::string>& before)>;

  /// Reads the history of earlier editors, from a file that only its owner can read.
  /// The editor also works without a file.
  explicit line_editor(completer complete);

  /// Shortens the history file, so that it does not grow for ever.
  ~line_editor();

  line_editor(const line_editor&) = delete;
  line_editor& operator=(const line_editor&) = delete;

  /// The next line, or nothing at the end of the input. Ctrl-C discards the typed
  /// text.
  std::optional<std::string> read(const std::string& prompt);

private:
  std::string history_file_;
};

} // namespace troupe::console
