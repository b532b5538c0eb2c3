import { NeuralModule } from '../modules/neuralModule.js'

/** A module whose output is what training minimises. NeMo's `Loss`. */
export abstract class Loss extends NeuralModule {}
