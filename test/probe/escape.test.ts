import { expect } from 'chai';
import { alertName, alertNumber } from '../../src/probe/alerts.js';
import { escaped, unescaped } from '../../src/probe/escape.js';

describe('escaped', () => {
  it('leaves printable ASCII, and escapes all else', () => {
    expect(escaped('a ~"\'')).to.equal('a ~"\'');
    expect(escaped('\r\n\t\\\x00\x1b[31m\x7f\x9b')).to.equal('\\r\\n\\t\\\\\\x00\\x1b[31m\\x7f\\x9b');
    expect(escaped(Buffer.from('é'))).to.equal('\\xc3\\xa9');
    expect(escaped('\u202e😀')).to.equal('\\u{202e}\\u{1f600}');
  });

  it('never gives anything that a terminal takes for a command, whatever the byte', () => {
    for (let byte = 0; byte < 256; byte++) expect(escaped(Buffer.of(byte))).to.match(/^[ -~]+$/);
  });

  it('cuts to the limit, and says so, but never an escape in two', () => {
    expect(escaped('x'.repeat(61))).to.equal(`${'x'.repeat(57)}...`);
    expect(escaped('x'.repeat(60))).to.equal('x'.repeat(60));
    for (let length = 50; length < 70; length++) expect(escaped(`${'x'.repeat(length)}\x1b\x1b\x1b\x1b\x1b`)).to.have.length.at.most(60).and.to.match(/^x+(\\x1b)*(\.\.\.)?$/);
  });
});

describe('unescaped', () => {
  it('knows what users type', () => {
    expect(unescaped('a\\r\\n\\t\\0\\\\\\x41')).to.equal('a\r\n\t\0\\A');
    expect(unescaped('no escape')).to.equal('no escape');
  });

  it('does not guess at what it does not know', () => {
    for (const text of ['\\', '\\q', '\\x4', '\\xzz', 'QUIT\\']) expect(unescaped(text), text).to.equal(undefined);
  });
});

describe('alerts', () => {
  it('have their names, and a number where they have none', () => {
    expect(alertName(20)).to.equal('bad_record_mac (20)');
    expect(alertName(200)).to.equal('alert (200)');
    expect(alertNumber(new Error('x:error:0A000410:SSL routines::sslv3 alert handshake failure:../ssl/record/rec_layer_s3.c:1605:SSL alert number 40'))).to.equal(40);
    expect(alertNumber(new Error('wrong version number'))).to.equal(undefined);
  });
});
