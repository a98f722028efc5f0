/** By `close_notify`. */
import type { Close } from './kind.js';

export const clean: Close = ({ socket }) => void socket.end();
