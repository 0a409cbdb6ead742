#include "apps/console/line_editor.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <readline/history.h>
#include <readline/readline.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/console/text/words.hpp"

namespace troupe::console {

namespace {

namespace fs = std::filesystem;

/// Lines of history to keep.
constexpr int history_size = 1000;

line_editor::completer complete_with;

/// The XDG base directory specification, version 0.8.
fs::path state_directory() {
  const char* given = std::getenv("XDG_STATE_HOME");
  if (given != nullptr && fs::path{given}.is_absolute())
    return given;
  const char* home = std::getenv("HOME");
  return home == nullptr ? fs::path{} : fs::path{home} / ".local" / "state";
}

/// The path of the history file; creates its directory. Empty: there is no such place.
std::string find_history_file() {
  const auto state = state_directory();
  if (state.empty())
    return {};
  const auto directory = state / "troupe";
  std::error_code problem;
  if (!fs::exists(directory, problem)) {
    fs::create_directories(directory, problem);
    fs::permissions(directory, fs::perms::owner_all, problem);
  }
  return (directory / "console_history").string();
}

/// The words before the one that begins at the end of `line`.
word_list words_before(std::string line) {
  line += 'x';
  auto commands = split(line);
  if (!commands)
    return {};
  commands->back().pop_back();
  return std::move(commands->back());
}

/// Where the word begins that readline completes.
std::size_t word_start = 0;

// Readline calls this with growing states and frees what it gets.
char* next_candidate(const char* text, int state) {
  static std::vector<std::string> candidates;
  static std::size_t next = 0;
  if (state == 0) {
    candidates = complete_with(words_before({rl_line_buffer, word_start}));
    next = 0;
  }
  while (next < candidates.size()) {
    const auto& x = candidates[next++];
    if (x.starts_with(text))
      return strdup(x.c_str());
  }
  return nullptr;
}

char** complete(const char* text, int start, int) {
  word_start = static_cast<std::size_t>(start);
  // Otherwise readline offers file names when there are no candidates.
  rl_attempted_completion_over = 1;
  return rl_completion_matches(text, next_candidate);
}

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

/// Called by readline outside of the signal handler: after a signal that ends its wait
/// for a key, and ten times a second while it waits, as a signal may come just before
/// the wait begins.
int drop_line() {
  if (interrupted == 0)
    return 0;
  interrupted = 0;
  rl_replace_line("", 0);
  rl_crlf();
  rl_on_new_line();
  rl_redisplay();
  return 0;
}

/// Creates the file, readable for its owner only.
void create(const std::string& file) {
  const int descriptor
    = open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor >= 0)
    close(descriptor);
}

/// Whether the history should keep the line: it is not empty and not equal to the last one.
bool is_news(const char* line) {
  const auto* last = history_length == 0
                       ? nullptr
                       : history_get(history_base + history_length - 1);
  return *line != '\0'
         && (last == nullptr || std::strcmp(last->line, line) != 0);
}

} // namespace

bool on_terminal() noexcept {
  return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
}

std::size_t terminal_width() noexcept {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0
      || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
    return 0;
  return size.ws_col;
}

interrupt_guard::interrupt_guard() {
  struct sigaction ours {};
  ours.sa_handler = on_interrupt;
  sigaction(SIGINT, &ours, &previous_);
}

interrupt_guard::~interrupt_guard() {
  sigaction(SIGINT, &previous_, nullptr);
}

bool interrupt_guard::take() noexcept {
  const auto came = interrupted != 0;
  interrupted = 0;
  return came;
}

interrupt_release::interrupt_release() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  sigaction(SIGINT, &usual, &previous_);
}

interrupt_release::~interrupt_release() {
  sigaction(SIGINT, &previous_, nullptr);
}

line_editor::line_editor(completer complete_words)
  : history_file_(find_history_file()) {
  complete_with = std::move(complete_words);
  rl_readline_name = "troupe-console";
  rl_attempted_completion_function = complete;
  rl_basic_word_break_characters = " ;";
  rl_completer_word_break_characters = " ;";
  rl_signal_event_hook = drop_line;
  rl_event_hook = drop_line;
  using_history();
  stifle_history(history_size);
  if (!history_file_.empty()) {
    create(history_file_);
    read_history(history_file_.c_str());
  }
}

line_editor::~line_editor() {
  if (!history_file_.empty())
    history_truncate_file(history_file_.c_str(), history_size);
  complete_with = nullptr;
}

std::optional<std::string> line_editor::read(const std::string& prompt) {
  const interrupt_guard guard;
  char* const line = readline(prompt.c_str());
  if (line == nullptr)
    return std::nullopt;
  if (is_news(line)) {
    add_history(line);
    // Written at once: several consoles may be open, and this one may be interrupted.
    if (!history_file_.empty())
      append_history(1, history_file_.c_str());
  }
  std::string result{line};
  std::free(line);
  return result;
}

} // namespace troupe::console
