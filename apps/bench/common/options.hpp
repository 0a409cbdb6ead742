#pragma once

// Command-line options as a table: name, variable, help. They read as those of all
// programs (messages/types/settings/command_line.hpp).

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe::bench {

/// The options of one subcommand. What a variable holds when it is added is its
/// default; it must outlive the table.
class option_table {
public:
  /// An option `--name`. `help` says what it is and in which unit.
  template <class T>
  option_table& add(T& variable, std::string name, std::string help) {
    return remember(&variable, std::move(name), std::move(help),
                    placeholder(variable),
                    [&variable] { return text(variable); });
  }

  /// What is said without a name, any number of times, such as files.
  /// `placeholder` stands for one in the usage line.
  option_table& add_words(std::vector<std::string>& variable,
                          std::string placeholder) {
    words_ = &variable;
    words_placeholder_ = std::move(placeholder);
    return *this;
  }

  /// Fills the variables from `arguments`.
  /// Errors: `invalid_argument`, with what to write instead.
  [[nodiscard]] expected<void> parse(const std::vector<std::string>& arguments);

  /// "[options]" and what else may stand behind the subcommand.
  [[nodiscard]] std::string usage() const;

  /// A line or two per option, with the defaults.
  [[nodiscard]] std::string help() const;

  /// Names and present values.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> values() const;

private:
  /// A variable, by its type.
  using target = std::variant<bool*, double*, std::string*, std::uint64_t*>;

  struct row {
    target variable;
    std::string name;
    std::string help;
    std::string placeholder;
    std::string preset;
    std::function<std::string()> value;
  };

  option_table& remember(target variable, std::string name, std::string help,
                         std::string placeholder,
                         std::function<std::string()> value);
  static expected<void> set(const row& to, const std::string& text);

  static std::string text(bool x);
  static std::string text(double x);
  static std::string text(const std::string& x);
  static std::string text(std::uint64_t x);

  static std::string placeholder(bool) {
    return "";
  }
  static std::string placeholder(double) {
    return "X";
  }
  static std::string placeholder(const std::string&) {
    return "LIST";
  }
  static std::string placeholder(std::uint64_t) {
    return "N";
  }

  std::vector<row> rows_;
  std::vector<std::string>* words_ = nullptr;
  std::string words_placeholder_;
};

/// "a,b"
[[nodiscard]] std::string comma_list(const std::vector<std::string>& words);

/// The parts of "a,b", without the commas; one empty part for empty text.
[[nodiscard]] std::vector<std::string> split(const std::string& text);

/// Splits "1,2" into numbers between `smallest` and `largest`.
/// Errors: `invalid_argument`, which names `option`.
[[nodiscard]] expected<std::vector<std::uint64_t>>
number_list(const std::string& option, const std::string& text,
            std::uint64_t largest, std::uint64_t smallest = 1);

/// Splits "read,write" into words; empty text stands for all of `known`.
/// Errors: `invalid_argument` for a word that is not in `known`.
[[nodiscard]] expected<std::vector<std::string>>
word_list(const std::string& option, const std::string& text,
          const std::vector<std::string>& known);

/// Fails unless `value` is one of `known`.
[[nodiscard]] expected<void> one_of(const std::string& option,
                                    const std::string& value,
                                    const std::vector<std::string>& known);

/// Fails unless `value` lies between `smallest` and `largest`.
[[nodiscard]] expected<void>
in_range(const std::string& option, std::uint64_t value, std::uint64_t smallest,
         std::uint64_t largest);

/// A number of an option, and its bounds.
struct bounded_option {
  const char* name;
  std::uint64_t value;
  std::uint64_t smallest;
  std::uint64_t largest;
};

/// The same for several options; fails for the first one that is out of bounds.
[[nodiscard]] expected<void>
in_range(std::initializer_list<bounded_option> all);

/// What every subcommand can be told.
struct common_options {
  bool help = false;
  bool json = false;
  bool quick = false;
  bool pin = true;

  void declare(option_table& table);
};

/// What a subcommand can be told: declares its options, shrinks them for a
/// smoke test, and checks them.
template <class T>
concept settings_like = requires(T x, option_table& table) {
  { x.common } -> std::same_as<common_options&>;
  x.declare(table);
  x.shrink();
  { x.check() } -> std::same_as<expected<void>>;
};

/// Exit codes of the program.
enum exit_code : int {
  succeeded = 0,
  wrong_results = 1, ///< A contestant lost a key, or an operation failed.
  bad_options = 2,
};

/// Prints what is wrong with the options and returns the exit code.
int complain(std::string_view subcommand, const error& reason);

/// Reads the settings of `subcommand`, or answers `--help` or an error and
/// returns the exit code. `title` is the first line of the help.
template <settings_like Settings>
std::variant<Settings, int>
read_settings(std::string_view subcommand, std::string_view title,
              const std::vector<std::string>& arguments) {
  Settings settings;
  option_table table;
  settings.declare(table);
  auto parsed = table.parse(arguments);
  if (parsed && settings.common.help) {
    std::printf("usage: troupe-bench %s %s\n\n%s\n\noptions:\n%s",
                std::string{subcommand}.c_str(), table.usage().c_str(),
                std::string{title}.c_str(), table.help().c_str());
    return succeeded;
  }
  // --quick changes the defaults; what was said explicitly still counts.
  if (parsed && settings.common.quick) {
    settings = Settings{};
    settings.shrink();
    parsed = table.parse(arguments);
  }
  if (parsed)
    parsed = settings.check();
  if (!parsed)
    return complain(subcommand, parsed.error());
  return settings;
}

/// The options and their values, for the head of a report.
template <settings_like Settings>
std::vector<std::pair<std::string, std::string>> values_of(Settings settings) {
  option_table table;
  settings.declare(table);
  auto result = table.values();
  std::erase_if(result, [](auto& x) { return x.first == "help"; });
  return result;
}

} // namespace troupe::bench
