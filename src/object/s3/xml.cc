#include "object/s3/xml.h"

#include <charconv>
#include <vector>

namespace nokv::object {
namespace {

std::unexpected<Error> malformed(std::string_view what, size_t at) {
  return fail(Code::data_loss, "malformed XML at byte ", at, ": ", what);
}

void append_utf8(std::string& out, uint32_t code) {
  auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

// `name` stands between & and ;.
bool append_reference(std::string& out, std::string_view name) {
  if (name == "amp") return out += '&', true;
  if (name == "lt") return out += '<', true;
  if (name == "gt") return out += '>', true;
  if (name == "quot") return out += '"', true;
  if (name == "apos") return out += '\'', true;
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  int base = 10;
  if (name.starts_with('x')) {
    base = 16;
    name.remove_prefix(1);
  }
  uint32_t code = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (error != std::errc() || end != name.data() + name.size() || code > 0x10ffff) return false;
  append_utf8(out, code);
  return true;
}

constexpr std::string_view kSpace = " \t\r\n";

class Reader {
 public:
  Reader(std::string_view document,
         const std::function<void(std::string_view, const std::string&)>& closed)
      : document_(document), closed_(closed) {}

  Result<> run() {
    while (at_ < document_.size()) NOKV_TRY(document_[at_] == '<' ? markup() : text());
    if (!open_.empty()) return malformed("it ends inside an element", at_);
    if (!had_root_) return malformed("no element", at_);
    return {};
  }

 private:
  struct Element {
    size_t parent_path;  // length of the path without this element
    std::string text;
    bool has_children = false;
  };

  std::string_view rest() const { return document_.substr(at_); }

  Result<> text() {
    size_t end = std::min(document_.find('<', at_), document_.size());
    while (at_ < end) {
      size_t reference = std::min(document_.find('&', at_), end);
      std::string_view plain = document_.substr(at_, reference - at_);
      if (!open_.empty()) {
        open_.back().text += plain;
      } else if (plain.find_first_not_of(kSpace) != std::string_view::npos && !byte_order_mark()) {
        return malformed("text outside of any element", at_);
      }
      at_ = reference;
      if (at_ < end) NOKV_TRY(this->reference(end));
    }
    return {};
  }

  bool byte_order_mark() const { return at_ == 0 && document_.starts_with("\xef\xbb\xbf"); }

  Result<> reference(size_t end) {
    size_t semicolon = document_.find(';', at_);
    if (semicolon >= end || open_.empty() ||
        !append_reference(open_.back().text, document_.substr(at_ + 1, semicolon - at_ - 1))) {
      return malformed("unknown reference", at_);
    }
    at_ = semicolon + 1;
    return {};
  }

  Result<> skip_past(std::string_view end) {
    size_t found = document_.find(end, at_);
    if (found == std::string_view::npos) return malformed("it ends inside markup", at_);
    at_ = found + end.size();
    return {};
  }

  Result<> markup() {
    if (rest().starts_with("<?")) return skip_past("?>");
    if (rest().starts_with("<!--")) return skip_past("-->");
    if (rest().starts_with("<![CDATA[")) {
      size_t begin = at_ + 9;
      NOKV_TRY(skip_past("]]>"));
      if (open_.empty()) return malformed("text outside of any element", begin);
      open_.back().text += document_.substr(begin, at_ - 3 - begin);
      return {};
    }
    if (rest().starts_with("<!")) return malformed("a document type", at_);
    return rest().starts_with("</") ? close_tag() : open_tag();
  }

  static std::string_view local(std::string_view name) {
    size_t colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
  }

  // The end of the tag that begins at at_: a ">" that is not inside a quoted attribute.
  size_t tag_end() const {
    char quote = 0;
    for (size_t i = at_; i < document_.size(); ++i) {
      char c = document_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return i;
      }
    }
    return std::string_view::npos;
  }

  Result<> open_tag() {
    size_t end = tag_end();
    if (end == std::string_view::npos) return malformed("it ends inside a tag", at_);
    std::string_view tag = document_.substr(at_ + 1, end - at_ - 1);
    bool empty = tag.ends_with('/');
    if (empty) tag.remove_suffix(1);
    std::string_view name = local(tag.substr(0, tag.find_first_of(kSpace)));
    if (name.empty()) return malformed("a tag without a name", at_);
    if (open_.empty() && had_root_) return malformed("a second root element", at_);
    if (open_.size() == kXmlDepthMax) return malformed("too deep", at_);
    had_root_ = true;
    if (!open_.empty()) open_.back().has_children = true;
    open_.push_back(Element{path_.size(), "", false});
    if (!path_.empty()) path_ += '/';
    path_ += name;
    at_ = end + 1;
    if (empty) close();
    return {};
  }

  Result<> close_tag() {
    size_t end = document_.find('>', at_);
    if (end == std::string_view::npos) return malformed("it ends inside a tag", at_);
    std::string_view name = document_.substr(at_ + 2, end - at_ - 2);
    name = local(name.substr(0, name.find_first_of(kSpace)));
    if (open_.empty()) return malformed("a closing tag too many", at_);
    size_t begin = open_.back().parent_path == 0 ? 0 : open_.back().parent_path + 1;
    if (std::string_view(path_).substr(begin) != name) return malformed("tags do not match", at_);
    at_ = end + 1;
    close();
    return {};
  }

  void close() {
    Element& element = open_.back();
    if (element.has_children) {
      size_t last = element.text.find_last_not_of(kSpace);
      element.text.erase(last == std::string::npos ? 0 : last + 1);
      element.text.erase(0, element.text.find_first_not_of(kSpace));
    }
    closed_(path_, element.text);
    path_.resize(element.parent_path);
    open_.pop_back();
  }

  std::string_view document_;
  const std::function<void(std::string_view, const std::string&)>& closed_;
  size_t at_ = 0;
  std::string path_;
  std::vector<Element> open_;
  bool had_root_ = false;
};

}  // namespace

Result<> read_xml(
    std::string_view document,
    const std::function<void(std::string_view path, const std::string& text)>& closed) {
  return Reader(document, closed).run();
}

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (byte < 0x20)
      out += str("&#", int{byte}, ";");
    else
      out += c;
  }
  return out;
}

}  // namespace nokv::object
