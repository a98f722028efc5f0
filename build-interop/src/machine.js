export const SENT = {
    open: { end: 'queued', alert_written: 'close_notify', alert_lost: 'lost', quiet_fin: 'quiet' },
    queued: { alert_written: 'close_notify', alert_lost: 'lost' }, // a queued alert can't be taken back, so no quiet_fin
    close_notify: {},
    quiet: {},
    lost: {},
};
export const RECEIVED = {
    open: { peer_close_notify: 'close_notify', peer_fin: 'fin', peer_error: 'error', peer_unverified: 'unverified' },
    close_notify: {},
    fin: {},
    error: {},
    unverified: {},
};
/** All states there are: each is one frozen object, so that a transition allocates nothing. */
const STATES = table(Object.keys(SENT), (sent) => table(Object.keys(RECEIVED), (received) => Object.freeze({ sent, received })));
function table(keys, value) {
    return Object.fromEntries(keys.map((key) => [key, value(key)]));
}
/** The state of these two halves. */
export function stateOf(sent, received) {
    return STATES[sent][received];
}
/** The state after `event`. */
export function next(state, event) {
    const sent = SENT[state.sent][event] ?? state.sent;
    const received = RECEIVED[state.received][event] ?? state.received;
    return STATES[sent][received];
}
/** The return value of a call with this goal in this state; `undefined` while it has to wait. */
export function returnValue({ sent, received }, goal) {
    if (received === 'error' && sent !== 'quiet' && goal !== 'quiet')
        return -1; // nothing can be sent any more
    if (sent === 'open' || sent === 'queued')
        return undefined; // step 1 is done first, whatever else the peer did
    if (sent === 'quiet' || goal === 'quiet')
        return 1;
    if (sent === 'lost')
        return -1;
    if (received === 'close_notify')
        return 1;
    if (received === 'open')
        return goal === 'sent' ? 0 : undefined;
    return -1;
}
