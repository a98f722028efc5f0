/** `probe` against each kind of `serve`: it says exactly that kind. */
import { expect } from 'chai';
import type { CloseKind, End, ProbeAnswer, Question } from '../../src/probe/index.js';
import { VERSIONS } from '../support/pair.js';
import { probeLocal, runProgram, serving } from '../support/probe.js';

const QUESTIONS: readonly Question[] = ['we-close', 'half-close', 'it-closes', 'quiet', 'idle'];
const CUT = 'in the middle of a record';

interface Expected {
  readonly end: End;
  readonly verdict: 'clean' | 'unclean' | 'unknown';
  readonly status: number;
  /** What else tells this kind from the others. */
  readonly also?: (answer: ProbeAnswer) => boolean;
  readonly words: RegExp;
}

const DELAY = 300;
const isByServer = ({ question }: ProbeAnswer): boolean => question === 'it-closes' || question === 'idle';

const EXPECTED: Readonly<Record<CloseKind, Expected>> = {
  clean: { end: 'close_notify', verdict: 'clean', status: 0, also: ({ question, bytes }) => question !== 'we-close' || bytes === 0, words: /It answers our close_notify with its own\./ },
  fin: { end: 'fin', verdict: 'unclean', status: 1, also: ({ detail }) => detail?.includes(CUT) !== true, words: /It closes by a bare FIN\./ },
  rst: { end: 'reset', verdict: 'unclean', status: 1, words: /It closes by a reset\./ },
  silent: { end: 'silence', verdict: 'unknown', status: 2, words: /It did not close\./ },
  cut: { end: 'fin', verdict: 'unclean', status: 1, also: ({ detail }) => detail?.startsWith(CUT) === true, words: /It ends in the middle of a record\./ },
  'late-data': { end: 'close_notify', verdict: 'clean', status: 0, also: (answer) => isByServer(answer) || answer.question === 'half-close' || answer.bytes === 'late data\n'.length, words: /It still sent 10 bytes/ },
  slow: { end: 'close_notify', verdict: 'clean', status: 0, also: ({ question, elapsed }) => question === 'idle' || elapsed >= DELAY - 1, words: /It answers our close_notify with its own\./ },
};

for (const [kind, { end, verdict, status, also = () => true, words }] of Object.entries(EXPECTED)) {
  describe(`probe of serve --close ${kind}`, () => {
    it(`says ${end} to every question, on TLS 1.2 and 1.3`, async () => {
      const { servers, close } = await serving({ close: kind as CloseKind, idle: 100, delay: DELAY });
      const report = await probeLocal(servers[0]!.port, { idle: 1500, timeout: 1500 });
      expect(report.answers.map(({ question, version, end: said }) => `${question} ${version} ${said}`)).to.deep.equal(
        QUESTIONS.flatMap((question) => VERSIONS.map((version) => `${question} ${version} ${end}`)),
      );
      for (const answer of report.answers) expect(also(answer), JSON.stringify(answer)).to.equal(true);
      expect(report.verdict).to.equal(verdict);
      await close();
    });

    it(`says so in words, and exits with ${status}`, async () => {
      const { servers, close } = await serving({ close: kind as CloseKind, idle: 100, delay: DELAY });
      const ran = await runProgram(['probe', `127.0.0.1:${servers[0]!.port}`, '--insecure', '--timeout', '1500']);
      expect(ran.stdout.replace(/\s+/g, ' ')).to.match(words);
      expect(ran.stderr).to.equal('');
      expect(ran.status).to.equal(status);
      await close();
    });
  });
}
