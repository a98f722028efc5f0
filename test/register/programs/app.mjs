/** The same program, begun as an ES module. */
import './app.cjs';
