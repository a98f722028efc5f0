/* A TLS peer on OpenSSL's C API, whose connection goes on after TLS: unwrap ROLE VERSION PORT PLAN KEY CERT. See support/unwrapping.ts. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void check(int good, const char *what) {
    if (good) return;
    printf("failed: %s\n", what);
    ERR_print_errors_fp(stdout);
    exit(1);
}

static int tcp(int is_server, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!is_server) {
        check(connect(fd, (struct sockaddr *)&address, length) == 0, "connect");
        return fd;
    }
    check(bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 1) == 0, "listen");
    getsockname(fd, (struct sockaddr *)&address, &length);
    printf("listening %d\n", ntohs(address.sin_port));
    int accepted = accept(fd, NULL, NULL);
    close(fd);
    return accepted;
}

/* All that came through TLS, up to its end. */
static void read_to_end(SSL *ssl) {
    char text[4096];
    int got = 0, n;
    while ((n = SSL_read(ssl, text + got, sizeof text - got)) > 0) got += n;
    check(SSL_get_error(ssl, n) == SSL_ERROR_ZERO_RETURN, "read to close_notify");
    printf("saw %.*s, close_notify\n", got, text);
}

/* The same file descriptor, with no SSL any more. */
static void go_on(int fd) {
    const char words[] = "plain from the peer\n";
    char text[4096];
    int got = 0, n;
    check(write(fd, words, strlen(words)) == (ssize_t)strlen(words), "plain write");
    while ((n = read(fd, text + got, sizeof text - got)) > 0) got += n;
    printf("plain %.*s, FIN\n", got, text);
}

static void send_raw(int fd, const char *bytes, size_t length) {
    char ignored[4096];
    check(write(fd, bytes, length) == (ssize_t)length, "raw write");
    while (read(fd, ignored, sizeof ignored) > 0) continue; /* its complaint */
}

int main(int argc, char **argv) {
    check(argc == 7, "the number of arguments");
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int is_server = strcmp(argv[1], "server") == 0, version = strcmp(argv[2], "TLSv1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    const char *plan = argv[4], *what = strchr(plan, '-') + 1;
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    if (is_server) check(SSL_CTX_use_PrivateKey_file(context, argv[5], SSL_FILETYPE_PEM) == 1 && SSL_CTX_use_certificate_file(context, argv[6], SSL_FILETYPE_PEM) == 1, "certificate");
    int fd = tcp(is_server, atoi(argv[3]));
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    check((is_server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1, "handshake");
    char line[64];
    check(SSL_read(ssl, line, 5) == 5 && SSL_write(ssl, line, 5) == 5, "the first words");
    if (strncmp(plan, "second", 6) == 0) {
        read_to_end(ssl);
    } else {
        printf("ready\n");
        check(fgets(line, sizeof line, stdin) != NULL, "the word to begin");
    }
    if (strcmp(what, "plain") == 0) {
        int value = SSL_shutdown(ssl);
        if (value == 0) read_to_end(ssl), value = SSL_shutdown(ssl);
        check(value == 1, "SSL_shutdown");
        SSL_free(ssl);
        go_on(fd);
    } else if (strcmp(what, "reset") == 0) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (strcmp(what, "fin") == 0) {
        shutdown(fd, SHUT_WR);
        while (read(fd, line, sizeof line) > 0) continue;
    } else if (strcmp(what, "garbage") == 0) {
        send_raw(fd, "plain too early\n", 16);
    } else if (strcmp(what, "forged") == 0) {
        send_raw(fd, "\x15\x03\x03\x00\x02\x01\x00", 7); /* close_notify as anybody can write it, not encrypted */
    }
    close(fd);
    printf("closed\n");
    return 0;
}
