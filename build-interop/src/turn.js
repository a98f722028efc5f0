let queue = [];
let running = false;
/** Calls `run(arg)` in the check phase of this turn of the event loop, in the order of the asking. */
export function inNextTurn(run, arg) {
    if (queue.push([run, arg]) === 1)
        setImmediate(runQueue);
}
/** Whether we are inside of `inNextTurn`'s tasks now: no read callback is on the stack. */
export function outsideReadCallback() {
    return running;
}
function runQueue() {
    const tasks = queue;
    queue = [];
    let i = 0;
    running = true;
    try {
        while (i < tasks.length) {
            const [run, arg] = tasks[i++];
            run(arg);
        }
    }
    finally {
        running = false;
        // A task that threw (an application's listener, say) must not take the others' turn away.
        for (; i < tasks.length; i++)
            inNextTurn(tasks[i][0], tasks[i][1]);
    }
}
