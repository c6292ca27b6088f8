// Where answers and everything else go: stdout and stderr, as text or JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/json.h"

namespace nokv::cli {

// Takes bytes; what went wrong is remembered by Output. Tests collect them.
using Writer = std::function<Result<>(std::string_view)>;

struct OutputOptions {
  bool json = false;
  bool bytes = false;     // sizes in bytes
  bool color = false;     // of stdout
  bool progress = false;  // bars on a terminal, or --progress
  std::string command;    // in front of errors: "nokv put: ..."
};

// One thread; a write blocks as the file does. After the reader of stdout is gone, writing goes
// nowhere and closed() says so.
class Output {
 public:
  Output(Writer out, Writer err) : out_(std::move(out)), err_(std::move(err)) {}
  ~Output() { flush(); }

  OutputOptions options;

  bool json() const { return options.json; }

  // Answers. Collected, and written in large pieces; file contents as they are.
  void write(std::string_view bytes);
  void line(std::string_view text);
  void line(const JsonObject& object) { line(object.text()); }
  void flush();
  bool closed() const { return closed_; }
  // What made writing to stdout fail, unless its reader just left.
  const Error* broken() const { return broken_ ? &*broken_ : nullptr; }

  // Everything else, one line each, at once; nothing with --json. `text` may hold names of any
  // bytes.
  void note(std::string_view text);
  // The same also with --json: for lines that are no error of the command's.
  void warn(std::string_view text);
  // As it is: progress bars.
  void raw_err(std::string_view bytes);

  // One line and its hint on stderr, or with --json an object on stdout.
  void error(const Error& error, std::string_view path = {});

  // "1.5 KiB" or "1536", as asked.
  std::string size(uint64_t bytes) const;
  // `text` in a colour (an SGR number) where colours are on.
  std::string colored(std::string_view text, std::string_view sgr) const;

 private:
  Writer out_;
  Writer err_;
  std::string pending_;
  bool closed_ = false;
  std::optional<Error> broken_;
};

// The object that --json writes for an error.
JsonObject error_json(const Error& error, std::string_view path);

// The exit code that an error of a request means.
Exit exit_of(const Error& error);

// Two spaces between columns; the last column of a row as it is. Rows may be short.
class Table {
 public:
  // `right` names the columns that are aligned to the right.
  explicit Table(std::vector<size_t> right = {}) : right_(std::move(right)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  void print(Output& out) const;

 private:
  std::vector<size_t> right_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns that `text` takes on a terminal: one for each character.
size_t text_width(std::string_view text);

}  // namespace nokv::cli
