#include "net/curl/exchange.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace nokv::net {
namespace {

constexpr size_t kHeaderBytesMax = 64 << 10;
constexpr size_t kReserveMax = 16 << 20;  // believed of an announced length; beyond it grows
constexpr int64_t kBufferBytes = 256 << 10;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// "host:port" of a URL, without what a message must not show (user, path, query).
std::string host_of(std::string_view url) {
  size_t scheme = url.find("://");
  std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (size_t at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  return std::string(rest);
}

bool never_by_proxy(std::string_view host) {
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]") ||
         host.starts_with("169.254.") || host.starts_with("[fd00:ec2");
}

bool before_anything_was_sent(int curl_code) {
  switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return true;
    default:
      return false;
  }
}

}  // namespace

Exchange::Exchange(HttpClientRequest request, Done done)
    : request_(std::move(request)), done_(std::move(done)), host_(host_of(request_.url)) {}

Exchange::~Exchange() {
  if (header_list_ != nullptr) curl_->slist_free_all(header_list_);
}

std::unexpected<Error> Exchange::failed(Code code, std::string_view why, bool sent) const {
  Error error(code, str(request_.method, " to ", host_, ": ", why));
  return std::unexpected(sent ? std::move(error).maybe_done() : std::move(error));
}

Result<> Exchange::prepare(const Libcurl& curl, CURL* easy, const CurlOptions& options,
                           Clock::Instant now) {
  curl_ = &curl;
  auto set = [&](CURLoption option, auto value) { curl.easy_setopt(easy, option, value); };
  using std::chrono::ceil;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  if (!request_.url.starts_with("http://") && !request_.url.starts_with("https://")) {
    return failed(Code::invalid_argument, "the URL is not http or https", false);
  }
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_BUFFERSIZE, static_cast<long>(kBufferBytes));
  set(CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(kBufferBytes));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  if (never_by_proxy(host_)) set(CURLOPT_NOPROXY, "*");
  long left_ms = std::max<long>(1, ceil<milliseconds>(request_.deadline - now).count());
  long connect_ms = std::max<long>(1, ceil<milliseconds>(options.connect_timeout).count());
  set(CURLOPT_TIMEOUT_MS, left_ms);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
  set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options.stall_bytes_per_s));
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(ceil<seconds>(options.stall_time).count()));
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, this);
  NOKV_TRY(prepare_body(easy));
  return prepare_headers(easy);
}

Result<> Exchange::prepare_body(CURL* easy) {
  auto set = [&](CURLoption option, auto value) { curl_->easy_setopt(easy, option, value); };
  if (request_.body) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body->size()));
    set(CURLOPT_READFUNCTION, &Exchange::on_upload);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Exchange::on_seek);
    set(CURLOPT_SEEKDATA, this);
  } else if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  }
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  return {};
}

Result<> Exchange::prepare_headers(CURL* easy) {
  curl_slist* list = nullptr;
  bool out_of_memory = false;
  auto add = [&](const std::string& line) {
    curl_slist* longer = curl_->slist_append(list, line.c_str());
    if (longer == nullptr)
      out_of_memory = true;
    else
      list = longer;
  };
  bool unsafe = false;
  for (const auto& [name, value] : request_.headers) {
    static constexpr std::string_view kBreaks("\r\n\0", 3);
    unsafe |= name.find_first_of(kBreaks) != std::string::npos ||
              value.find_first_of(kBreaks) != std::string::npos;
    add(value.empty() ? name + ";" : str(name, ": ", value));  // ";" sends an empty value
  }
  // Waiting for "100 Continue" costs a round trip, and a second where a server does not know it.
  add("Expect:");
  if (request_.body || request_.method == "POST") add("Transfer-Encoding:");
  header_list_ = list;
  if (unsafe) return failed(Code::invalid_argument, "a header has a line break in it", false);
  if (out_of_memory) return failed(Code::resource_exhausted, "out of memory", false);
  curl_->easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  return {};
}

size_t Exchange::on_header(char* data, size_t size, size_t count, void* self) {
  std::string_view line(data, size * count);
  return static_cast<Exchange*>(self)->take_header(line) ? line.size() : 0;
}

size_t Exchange::on_body(char* data, size_t size, size_t count, void* self) {
  std::string_view bytes(data, size * count);
  return static_cast<Exchange*>(self)->take_body(bytes) ? bytes.size() : 0;
}

size_t Exchange::on_upload(char* to, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  const std::string& body = *exchange->request_.body;
  size_t step = std::min(size * count, body.size() - exchange->uploaded_);
  std::memcpy(to, body.data() + exchange->uploaded_, step);
  exchange->uploaded_ += step;
  return step;
}

// libcurl starts the body again when a kept connection turns out to be closed.
int Exchange::on_seek(void* self, int64_t offset, int origin) {
  auto* exchange = static_cast<Exchange*>(self);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
  auto to = static_cast<uint64_t>(offset);
  if (to > exchange->request_.body->size()) return CURL_SEEKFUNC_FAIL;
  exchange->uploaded_ = to;
  return CURL_SEEKFUNC_OK;
}

bool Exchange::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    refused_ = "the answer's headers are longer than 64 KiB";
    return false;
  }
  if (line.starts_with("HTTP/")) {  // those of a "100 Continue" before it do not count
    response_.headers.clear();
    return true;
  }
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name = lower_case(line.substr(0, colon));
  std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-length") {
    uint64_t length = 0;
    std::from_chars(value.data(), value.data() + value.size(), length);
    if (request_.method != "HEAD") {
      response_.body.reserve(
          std::min({length, uint64_t{request_.response_max}, uint64_t{kReserveMax}}));
    }
  }
  response_.headers.emplace_back(std::move(name), value);
  return true;
}

bool Exchange::take_body(std::string_view bytes) {
  if (bytes.size() > request_.response_max - response_.body.size()) {
    refused_ = "the answer is longer than asked for";
    return false;
  }
  response_.body.append(bytes);
  return true;
}

Result<HttpClientResponse> Exchange::outcome(CURL* easy, int curl_code, Clock::Instant now) {
  if (curl_code == CURLE_OK) {
    long status = 0;
    curl_->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    return std::move(response_);
  }
  long request_bytes = 0;
  curl_->easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
  bool sent = request_bytes > 0 && !before_anything_was_sent(curl_code);
  if (refused_ != nullptr) return failed(Code::resource_exhausted, refused_, sent);
  switch (curl_code) {
    case CURLE_OPERATION_TIMEDOUT:
      // libcurl counts in milliseconds, so it may be a little early.
      if (now + std::chrono::milliseconds(2) >= request_.deadline) {
        return failed(Code::cancelled, "no answer within the deadline", sent);
      }
      return failed(Code::unavailable, sent ? "the connection stalled" : "no connection in time",
                    sent);
    case CURLE_PARTIAL_FILE:
      return failed(Code::data_loss,
                    str("the body ended after ", response_.body.size(), " bytes, before its end"),
                    sent);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: {
      // Asking again changes nothing.
      Error error(Code::failed_precondition,
                  str(request_.method, " to ", host_, ": its certificate is not trusted here (",
                      curl_->easy_strerror(static_cast<CURLcode>(curl_code)), ")"));
      return std::unexpected(
          std::move(error).with_hint("AWS_CA_BUNDLE names a file of certificates to trust"));
    }
    case CURLE_URL_MALFORMAT:
      return failed(Code::invalid_argument, "the URL is malformed", false);
    default:
      return failed(Code::unavailable, curl_->easy_strerror(static_cast<CURLcode>(curl_code)),
                    sent);
  }
}

}  // namespace nokv::net
