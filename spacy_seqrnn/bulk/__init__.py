"""Annotation of many texts: on all cores, and on engines that compute on clusters."""
