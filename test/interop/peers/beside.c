/* An application on OpenSSL that closes by SSL_shutdown(3): beside KEY CERT. It is told on its standard input what to do, a line for each step, and says in a line
   what came of it. Nothing blocks: where OpenSSL wants to read or write, poll(2) waits for at most so many milliseconds, and the call is made again.

   listen VERSION          says "listening PORT"; "accept" takes the connection
   connect VERSION PORT    with "resume" behind it the session of the last connection is offered
   handshake MS            says 1, and whether the session was resumed; or SSL_do_handshake's value and SSL_get_error's
   read BYTES MS           reads just so many
   drain MS                reads until SSL_read fails; says how many bytes came, and SSL_get_error's answer. With 0 ms: what there is
   write BYTES, fill       fill writes until the transport takes no more
   write-late BYTES        writes behind the alert, which has to fail
   hold, release           the transport takes nothing meanwhile
   arrived BYTES WHAT      waits until so many bytes, and fin or reset (or none) are with the kernel
   shutdown MS             says SSL_shutdown's value and, of a -1, SSL_get_error's
   quiet, half-close, lose SSL_set_quiet_shutdown(3); shutdown(2) or close(2) behind OpenSSL's back
   end                     frees the connection and closes it */
#include "beside.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>

static const char *key, *certificate;
static SSL_CTX *context;
static SSL_SESSION *session;
static SSL *ssl;
static int listener = -1;
static uint64_t options;
static int post_handshake_auth;

static const char *name_of(int error) {
    switch (error) {
    case SSL_ERROR_SSL: return "SSL";
    case SSL_ERROR_SYSCALL: return "SYSCALL";
    case SSL_ERROR_WANT_READ: return "WANT_READ";
    case SSL_ERROR_WANT_WRITE: return "WANT_WRITE";
    case SSL_ERROR_ZERO_RETURN: return "ZERO_RETURN";
    default: return "NONE";
    }
}

static int keep_session(SSL *of, SSL_SESSION *fresh) {
    (void)of;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static int version_of(const char *name) {
    return strcmp(name, "TLSv1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

static void prepare(int version) {
    if (context != NULL) return;
    context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_options(context, options);
    SSL_CTX_set_post_handshake_auth(context, post_handshake_auth);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    check(SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) == 1, "certificate");
    check(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1, "key");
}

static void begin(int is_server) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssl = SSL_new(context);
    BIO *bio = holding(fd);
    SSL_set_bio(ssl, bio, bio);
    if (is_server) SSL_set_accept_state(ssl);
    else SSL_set_connect_state(ssl);
}

static void do_listen(const char *version) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    prepare(version_of(version));
    if (listener < 0) {
        listener = socket(AF_INET, SOCK_STREAM, 0);
        check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 5) == 0, "listen");
    }
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("listening %d\n", ntohs(address.sin_port));
}

static void do_connect(const char *version, int port, int resume) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    prepare(version_of(version));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    begin(0);
    if (resume && session != NULL) SSL_set_session(ssl, session);
    printf("connected\n");
}

static void do_handshake(long ms) {
    long deadline = now() + ms;
    int value, error;
    do {
        ERR_clear_error();
        value = SSL_do_handshake(ssl);
        error = SSL_get_error(ssl, value);
    } while (value != 1 && ready(error, deadline));
    if (value == 1) printf("handshake 1 %s\n", SSL_session_reused(ssl) ? "resumed" : "new");
    else printf("handshake %d %s\n", value, name_of(error));
}

static void do_read(size_t bytes, long ms) {
    char buffer[16384];
    size_t got = 0;
    long deadline = now() + ms;
    while (got < bytes) {
        int n = SSL_read(ssl, buffer, bytes - got);
        if (n > 0) got += n;
        else check(ready(SSL_get_error(ssl, n), deadline), "the first words");
    }
    printf("read %zu\n", got);
}

static void do_drain(long ms) {
    char buffer[16384];
    size_t got = 0;
    long deadline = now() + ms;
    int n, error = SSL_ERROR_NONE;
    do {
        ERR_clear_error();
        errno = 0;
        n = SSL_read(ssl, buffer, sizeof buffer);
        if (n > 0) got += n;
        else error = SSL_get_error(ssl, n);
    } while (n > 0 || ready(error, deadline));
    printf("drained %zu %s\n", got, name_of(error));
}

static void do_shutdown(long ms) {
    long deadline = now() + ms;
    int value, error;
    do {
        ERR_clear_error();
        errno = 0;
        value = SSL_shutdown(ssl);
        error = SSL_get_error(ssl, value);
    } while (value < 0 && ready(error, deadline));
    if (value < 0) printf("shutdown %d %s\n", value, name_of(error));
    else printf("shutdown %d\n", value);
}

static void do_write(size_t bytes) {
    char *data = calloc(bytes, 1);
    check(SSL_write(ssl, data, bytes) == (int)bytes, "write");
    free(data);
    printf("written\n");
}

static void do_fill(void) {
    static char data[16384];
    int n;
    do n = SSL_write(ssl, data, sizeof data);
    while (n > 0 || ready(SSL_get_error(ssl, n), now() + 50));
    printf("filled %s\n", name_of(SSL_get_error(ssl, n)));
}

static void do_end(void) {
    SSL_free(ssl);
    ssl = NULL;
    if (fd >= 0) close(fd);
    fd = -1;
    held = 0;
    printf("ended\n");
}

int main(int argc, char **argv) {
    char line[200], command[20], first[20], second[20], third[20];
    check(argc == 3, "the number of arguments");
    key = argv[1];
    certificate = argv[2];
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        first[0] = second[0] = third[0] = 0;
        check(sscanf(line, "%19s %19s %19s %19s", command, first, second, third) >= 1, "a command");
        if (strcmp(command, "listen") == 0) do_listen(first);
        else if (strcmp(command, "accept") == 0) {
            fd = accept(listener, NULL, NULL);
            check(fd >= 0, "accept");
            begin(1);
            printf("connected\n");
        } else if (strcmp(command, "connect") == 0) do_connect(first, atoi(second), third[0] != 0);
        else if (strcmp(command, "handshake") == 0) do_handshake(atol(first));
        else if (strcmp(command, "read") == 0) do_read(atol(first), atol(second));
        else if (strcmp(command, "drain") == 0) do_drain(atol(first));
        else if (strcmp(command, "write") == 0) do_write(atol(first));
        else if (strcmp(command, "fill") == 0) do_fill();
        else if (strcmp(command, "arrived") == 0) do_arrived(atoi(first), second);
        else if (strcmp(command, "shutdown") == 0) do_shutdown(atol(first));
        else if (strcmp(command, "end") == 0) do_end();
        else {
            if (strcmp(command, "write-late") == 0) check(SSL_write(ssl, line, atoi(first)) < 0, "refuse to write");
            else if (strcmp(command, "hold") == 0) held = 1;
            else if (strcmp(command, "release") == 0) held = 0;
            else if (strcmp(command, "quiet") == 0) SSL_set_quiet_shutdown(ssl, atoi(first));
            else if (strcmp(command, "half-close") == 0) shutdown(fd, SHUT_WR);
            else if (strcmp(command, "lose") == 0) close(fd);
            else if (strcmp(command, "ignore-eof") == 0) options |= SSL_OP_IGNORE_UNEXPECTED_EOF;
            else if (strcmp(command, "post-handshake-auth") == 0) post_handshake_auth = 1;
            else check(0, command);
            printf("done\n");
        }
    }
    return 0;
}
