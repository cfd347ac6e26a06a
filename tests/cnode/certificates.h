#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

/// Authorities and certificates for tests of TLS, in a folder that is gone with the object.
namespace drey::cnode::test {

class Certificates {
 public:
  Certificates()
      : folder_(std::filesystem::temp_directory_path() / ("drey_tls_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  std::string path(const std::string& file) const { return (folder_ / file).string(); }

  /// NAME.pem and NAME.key, signed by itself.
  void authority(const std::string& name) { make(name, {}, "CA:TRUE", {}, {}); }
  /// NAME.pem and NAME.key for `host`, signed by the authority `by`; an intermediate where `ca`.
  void certificate(const std::string& name, const std::string& by, const std::string& host,
                   const std::string& password = {}, bool ca = false) {
    make(name, by, ca ? "CA:TRUE" : "CA:FALSE", "DNS:" + host, password);
  }

 private:
  template <typename T, void (*Free)(T*)>
  struct Freed {
    void operator()(T* one) const { Free(one); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
  using Cert = std::unique_ptr<X509, Freed<X509, X509_free>>;
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  static void need(bool done) {
    if (!done) throw std::runtime_error("OpenSSL made no certificate");
  }
  File open(const std::string& file, const char* mode) const {
    File opened(std::fopen(path(file).c_str(), mode));
    need(opened != nullptr);
    return opened;
  }
  static void extend(X509* cert, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    need(extension != nullptr && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }

  void make(const std::string& name, const std::string& by, const std::string& constraints,
            const std::string& hosts, const std::string& password) {
    const Key key(EVP_EC_gen("P-256"));
    const Cert cert(X509_new());
    need(key && cert);
    X509_set_version(cert.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), 86400);
    X509_set_pubkey(cert.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    Key signer_key;
    Cert signer;
    if (!by.empty()) {
      signer.reset(PEM_read_X509(open(by + ".pem", "r").get(), nullptr, nullptr, nullptr));
      signer_key.reset(PEM_read_PrivateKey(open(by + ".key", "r").get(), nullptr, nullptr, nullptr));
      need(signer && signer_key);
    }
    X509* issuer = signer ? signer.get() : cert.get();
    X509_set_issuer_name(cert.get(), X509_get_subject_name(issuer));
    extend(cert.get(), issuer, NID_basic_constraints, constraints);
    if (!hosts.empty()) extend(cert.get(), issuer, NID_subject_alt_name, hosts);
    need(X509_sign(cert.get(), signer_key ? signer_key.get() : key.get(), EVP_sha256()) > 0);
    need(PEM_write_X509(open(name + ".pem", "w").get(), cert.get()) == 1);
    need(PEM_write_PrivateKey(
             open(name + ".key", "w").get(), key.get(), password.empty() ? nullptr : EVP_aes_128_cbc(),
             password.empty() ? nullptr : reinterpret_cast<const unsigned char*>(password.c_str()),
             static_cast<int>(password.size()), nullptr, nullptr) == 1);
  }

  std::filesystem::path folder_;
  long serial_ = 0;
};

}  // namespace drey::cnode::test
