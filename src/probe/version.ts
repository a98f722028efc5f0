/** The version of this package. A test compares it with package.json. */
export const PACKAGE_VERSION = '0.1.0';

export const USER_AGENT = `tls-graceful-shutdown/${PACKAGE_VERSION}`;
