#include "object/s3/answers.h"

#include <algorithm>
#include <charconv>

#include "object/s3/dates.h"
#include "object/s3/verdict.h"
#include "object/s3/xml.h"

namespace nokv::object {
namespace {

constexpr size_t kMessageBytesMax = 300;

// A stranger's text in one of our messages.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kMessageBytesMax));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// With encoding-type=url; what is no escape stands for itself.
std::string url_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

}  // namespace

S3Error read_error(std::string_view body) {
  S3Error out;
  auto read = read_xml(body, [&](std::string_view path, const std::string& text) {
    if (path == "Error/Code") out.code = one_line(text);
    if (path == "Error/Message") out.message = one_line(text);
  });
  if (!read && out.code.empty()) out.message = one_line(body.substr(0, 100));
  return out;
}

Result<ListPage> read_list(std::string_view body) {
  ListPage page;
  ObjectInfo object;
  bool encoded = false;
  bool right_document = false;
  bool numbers_good = true;
  NOKV_TRY(read_xml(body, [&](std::string_view path, const std::string& text) {
    static constexpr std::string_view kRoot = "ListBucketResult";
    if (!path.starts_with(kRoot)) return;
    right_document = true;
    path.remove_prefix(kRoot.size());
    if (path == "/IsTruncated") page.more = text == "true";
    if (path == "/EncodingType") encoded = text == "url";
    if (path == "/Contents/Key") object.key = text;
    if (path == "/Contents/ETag") object.etag = without_quotes(text);
    if (path == "/Contents/LastModified") {
      if (auto time = parse_iso_date(text)) object.modified_ns = to_unix_ns(*time);
    }
    if (path == "/Contents/Size") {
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), object.size);
      numbers_good &= error == std::errc() && end == text.data() + text.size();
    }
    if (path == "/Contents") page.objects.push_back(std::exchange(object, {}));
  }));
  if (!right_document || !numbers_good) {
    return fail(Code::data_loss, "the answer to a listing is none");
  }
  if (encoded) {
    for (ObjectInfo& listed : page.objects) listed.key = url_decode(listed.key);
  }
  return page;
}

Result<std::vector<DeleteError>> read_delete_errors(std::string_view body) {
  std::vector<DeleteError> out;
  DeleteError one;
  bool right_document = false;
  NOKV_TRY(read_xml(body, [&](std::string_view path, const std::string& text) {
    if (path.starts_with("DeleteResult")) right_document = true;
    if (path == "DeleteResult/Error/Key") one.key = text;
    if (path == "DeleteResult/Error/Code") one.error.code = one_line(text);
    if (path == "DeleteResult/Error/Message") one.error.message = one_line(text);
    if (path == "DeleteResult/Error") out.push_back(std::exchange(one, {}));
  }));
  if (!right_document) return fail(Code::data_loss, "the answer to a deletion is none");
  return out;
}

std::string write_delete(const std::vector<std::string>& keys) {
  std::string out = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const std::string& key : keys) {
    out += str("<Object><Key>", xml_escape(key), "</Key></Object>");
  }
  out += "<Quiet>true</Quiet></Delete>";
  return out;
}

Result<std::string> read_upload(std::string_view body) {
  std::string out;
  NOKV_TRY(read_xml(body, [&](std::string_view path, const std::string& text) {
    if (path == "InitiateMultipartUploadResult/UploadId") out = text;
  }));
  if (out.empty()) return fail(Code::data_loss, "the answer names no upload");
  return out;
}

std::string write_parts(const std::vector<std::string>& etags) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < etags.size(); ++i) {
    out += str("<Part><PartNumber>", i + 1, "</PartNumber><ETag>", xml_escape(etags[i]),
               "</ETag></Part>");
  }
  out += "</CompleteMultipartUpload>";
  return out;
}

Result<> check_finished(std::string_view body) {
  bool finished = false;
  NOKV_TRY(read_xml(body, [&](std::string_view path, const std::string& /*text*/) {
    if (path == "CompleteMultipartUploadResult") finished = true;
  }));
  if (finished) return {};
  S3Error said = read_error(body);
  if (said.code.empty()) return fail(Code::data_loss, "the answer to the last part is none");
  return std::unexpected(error_of_key(said));
}

}  // namespace nokv::object
