/** What `probe` rejects with when its signal is aborted. */
export function abortError(reason: unknown): Error {
  return Object.assign(new Error('The probe was ended: the signal was aborted', { cause: reason }), { name: 'AbortError', code: 'ABORT_ERR' });
}
