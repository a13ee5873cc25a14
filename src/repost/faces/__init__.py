"""Find, choose and cut out the faces of photographs and videos."""
