// Tests that can't be judged, by their name without the ending, and why.
const LOADED = "replaces a part of Node before it loads 'tls', which the preload has loaded; makes no socket";

export const unjudged = {
  'test-tls-clientcertengine-unsupported': LOADED,
  'test-tls-keyengine-unsupported': LOADED,
};
