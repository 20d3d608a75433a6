"""The STAR stages as KFP components: one folder per stage, which declares inputs and outputs and calls the stage."""
