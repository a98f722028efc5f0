/* A TLS peer on GnuTLS that ends each connection by any alert: alerts ROLE VERSION PORT COUNT THREADS KEY CERT.
   It says "ok" through TLS, and is told by five bytes what to do: the alert's level and description, 'b' before or 'a' after our own alert, what it sends
   behind it ('n' nothing, 'f' a FIN, 'b' a byte, 'd' a record of data, 'c' a close_notify), and '1' for all in one segment. Nothing more comes: it closes a
   connection only when many more have been served. As the client it makes COUNT connections, THREADS at a time, and ends with its standard input;
   as the server it serves whoever comes. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;
static struct sockaddr_in address = {.sin_family = AF_INET};
static int is_server, left;
/* Those that stay open for a while: our FIN comes with our alert, so it does not tell that we have seen enough. */
static int kept[256], oldest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void check(int good, const char *what) {
    if (good) return;
    printf("failed: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void cork(int fd, int on) {
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

/* The other side may be gone by then. */
static void send_behind(gnutls_session_t session, int fd, char what) {
    if (what == 'b' && write(fd, "\x17", 1) != 1) return;
    if (what == 'd') gnutls_record_send(session, "more", 4);
    if (what == 'c') gnutls_alert_send(session, GNUTLS_AL_WARNING, GNUTLS_A_CLOSE_NOTIFY);
    if (what == 'f') shutdown(fd, SHUT_WR);
}

static void close_later(int fd) {
    pthread_mutex_lock(&lock);
    if (kept[oldest] > 0) close(kept[oldest]);
    kept[oldest] = fd;
    oldest = (oldest + 1) % 256;
    pthread_mutex_unlock(&lock);
}

static void serve(int fd) {
    gnutls_session_t session;
    unsigned char plan[5];
    char ignored[4096];
    int n, got = 0, one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    gnutls_init(&session, is_server ? GNUTLS_SERVER : GNUTLS_CLIENT);
    gnutls_priority_set(session, priority);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    while ((n = gnutls_handshake(session)) != 0) check(!gnutls_error_is_fatal(n), "handshake");
    check(gnutls_record_send(session, "ok", 2) == 2, "the first words");
    while (got < 5) {
        n = gnutls_record_recv(session, plan + got, sizeof plan - got);
        if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) continue; /* session tickets */
        check(n > 0, "the plan");
        got += n;
    }
    if (plan[2] == 'a') {
        while ((n = gnutls_record_recv(session, ignored, sizeof ignored)) > 0 || n == GNUTLS_E_AGAIN) continue;
        check(n == 0, "read to close_notify");
    }
    cork(fd, plan[4] == '1');
    check(gnutls_alert_send(session, plan[0], plan[1]) == 0, "the alert");
    if (plan[4] != '1') usleep(5000);
    send_behind(session, fd, plan[3]);
    cork(fd, 0);
    gnutls_deinit(session);
    close_later(fd);
}

static void *serve_one(void *fd) {
    serve((int)(long)fd);
    return NULL;
}

static int take_one(void) {
    pthread_mutex_lock(&lock);
    int any = left-- > 0;
    pthread_mutex_unlock(&lock);
    return any;
}

static void *connect_many(void *nothing) {
    while (take_one()) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
        serve(fd);
    }
    return nothing;
}

static void be_server(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
    socklen_t length = sizeof address;
    check(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 100) == 0, "listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("listening %d\n", ntohs(address.sin_port));
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, serve_one, (void *)(long)fd) == 0, "thread");
        pthread_detach(thread);
    }
}

static void be_client(int count, int size) {
    pthread_t threads[size];
    left = count;
    for (int i = 0; i < size; i++) check(pthread_create(&threads[i], NULL, connect_many, NULL) == 0, "thread");
    for (int i = 0; i < size; i++) pthread_join(threads[i], NULL);
    while (getchar() != EOF) continue;
}

int main(int argc, char **argv) {
    check(argc == 8, "the number of arguments");
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    is_server = strcmp(argv[1], "server") == 0;
    const char *wanted = strcmp(argv[2], "TLSv1.2") == 0 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    check(gnutls_priority_init(&priority, wanted, NULL) == 0, "the version");
    gnutls_certificate_allocate_credentials(&credentials);
    check(gnutls_certificate_set_x509_key_file(credentials, argv[7], argv[6], GNUTLS_X509_FMT_PEM) == 0, "certificate");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(atoi(argv[3]));
    if (is_server) be_server();
    else be_client(atoi(argv[4]), atoi(argv[5]));
    printf("done\n");
    return 0;
}
