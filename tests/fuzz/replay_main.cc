// Runs a fuzz target without libFuzzer: on each file of its corpus, then on files with some bytes
// changed, always the same ones. Every build does this; looking for new inputs is the fuzz
// preset's.
//
// Usage: TARGET CORPUS_DIRECTORY [MUTANTS]
// Exit status: 0, 1 when the corpus is empty. An input that breaks the target is printed in hex.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutantsDefault = 20'000;
constexpr size_t kBytesMax = 4096;

std::string current;  // for the signal handler

// Only calls what may be called there, and the process ends afterwards.
extern "C" void print_current(int signal) {
  std::fputs("the input was:", stderr);
  for (char c : current) std::fprintf(stderr, " %02x", static_cast<unsigned char>(c));
  std::fputc('\n', stderr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(std::string input) {
  current = std::move(input);
  // A copy of its own size on the heap, so that the address sanitizer sees a read past its end.
  std::vector<uint8_t> bytes(current.begin(), current.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string out = corpus_[below(corpus_.size())];
    for (size_t i = 1 + below(4); i > 0; --i) change(out);
    out.resize(std::min(out.size(), kBytesMax));
    return out;
  }

 private:
  size_t below(size_t bound) { return random_() % bound; }
  char byte() {
    static constexpr unsigned char kEdges[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '\n', '<', '['};
    return static_cast<char>(below(2) == 0 ? kEdges[below(std::size(kEdges))] : random_());
  }

  void change(std::string& out) {
    size_t at = below(out.size() + 1);
    switch (below(6)) {
      case 0:
        out.insert(at, 1 + below(8), byte());
        break;
      case 1:
        out.erase(at, 1 + below(8));
        break;
      case 2:
        out.resize(at);
        break;
      case 3: {  // the rest of another file
        const std::string& other = corpus_[below(corpus_.size())];
        out.replace(at, std::string::npos, other, below(other.size() + 1), std::string::npos);
        break;
      }
      case 4:
        if (at < out.size()) out[at] = static_cast<char>(out[at] ^ (1 << below(8)));
        break;
      default:
        if (at < out.size()) out[at] = byte();
    }
  }

  const std::vector<std::string>& corpus_;
  std::minstd_rand random_{1};
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> paths;
  if (argc == 2 || argc == 3) {
    for (const auto& it : std::filesystem::directory_iterator(argv[1])) paths.push_back(it.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) {
    std::fputs("no corpus: usage: TARGET CORPUS_DIRECTORY [MUTANTS]\n", stderr);
    return 1;
  }
  for (int signal : {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGTRAP}) std::signal(signal, print_current);
  run("");
  for (const std::string& input : corpus) run(input);
  int mutants = argc == 3 ? std::atoi(argv[2]) : kMutantsDefault;
  Mutator mutator(corpus);
  for (int i = 0; i < mutants; ++i) run(mutator.next());
  std::printf("%zu files, %d mutants\n", corpus.size(), mutants);
  return 0;
}
